/* An open step of the journal as JSON: status.addresses[].intent. */
#ifndef IPW_INTENT_H
#define IPW_INTENT_H

#include "allocation.h"

/* Reads one. Whatever is not wholly understood (another schemaVersion, an unknown step,
 * a value of the wrong type or size) is INTENT_UNKNOWN. */
void intent_parse(struct json_object *value, struct intent *ret_intent);

/* Appends the JSON object. Never for INTENT_NONE or INTENT_UNKNOWN. */
void intent_put(const struct intent *intent, struct buf *out);

/* Appends ,"key":"value" unless the value is empty. */
void intent_put_text(struct buf *out, const char *key, const char *value);

#endif
