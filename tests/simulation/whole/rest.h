/* After the troubles: everything comes to rest, as it should be, in bounded time. */
#ifndef IPW_REST_H
#define IPW_REST_H

/* Runs until all is well and quiet, or violates. */
void rest_await(void);

#endif
