/* A label selector as `kubectl get -l` takes it (Kubernetes: labels.Parse):
 *   app=sip, tier!=dev, zone in (a, b), track notin (canary), app, !app, level>3
 * Held against the labels of one object, one label at a time. */
#ifndef IPW_SELECTOR_H
#define IPW_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Requirements of one selector, and bytes of its text. */
#define SELECTOR_TERMS_MAX 32u
#define SELECTOR_TEXT_MAX  2048u

struct selector;

/* "" chooses everything. NULL: it is no selector, or too large. */
struct selector *selector_new(const char *text);
void selector_free(struct selector *selector);

/* What one object's labels have shown; begins as {0}. */
struct selector_look {
	uint32_t seen; /* a bit a requirement: its key is there, */
	uint32_t met;  /* with a value that it wants */
};

/* The key is not NUL-terminated. */
void selector_see(const struct selector *selector, struct selector_look *look,
    const char *key, size_t key_len, const char *value);
/* After the last label. */
bool selector_chooses(
    const struct selector *selector, const struct selector_look *look);

#endif
