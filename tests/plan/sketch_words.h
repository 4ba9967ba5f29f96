/* The words of a sketch's lines. Private to sketch*.c. Each returns false for a word
 * that it does not know. */
#ifndef IPW_SKETCH_WORDS_H
#define IPW_SKETCH_WORDS_H

#include "sketch.h"

/* cordoned deleting skip oversize not-ready[=SECONDS] ready-unknown[=SECONDS]
 * ready=SECONDS (that long) taint=KEY[=VALUE]:EFFECT label=KEY[=VALUE] uid=UID
 * project=NAME provider-id=TEXT gone (no Node) bare (no instance) stopped changing
 * instance=ID external=ADDRESS; anything else without "=": its zone */
bool words_node(struct sketch_node *node, const char *word);
/* of=KIND/NAME hash=TEXT namespace=NAME uid=UID terminating=SECONDS (until its grace
 * ends; negative: since) phase=PHASE host-network mirror app=NAME name=NAME
 * tolerates=KEY[=VALUE][:EFFECT] (KEY alone: Exists; "*": any key) */
bool words_pod(struct msg_fact_pod *pod, const char *word);
/* .N or an address (listed) policy=POLICY workload=KIND/NAME|none selector=KEY[=VALUE]
 * selector=none region=NAME zone=ZONE deleting spec.KEY=JSON
 * annotation.KEY=TEXT metadata.KEY=JSON */
bool words_nia(struct json_object *nia, const char *word);
/* on=NODE state=STATE reason=REASON instance=ID zone=ZONE uid=UID
 * outside=GENERATION (of the spec that it was adopted under, where that did not mean
 * it) intent=Detach|Ephemeral|Attach|JSON (its members: from=NODE to=NODE) */
bool words_entry(struct sketch *sketch, struct json_object *entry, const char *word);

bool words_shown(const char *word, enum sketch_shown *ret_shown);
bool words_look(const char *word, enum sketch_look *ret_look);
/* ".1" is 34.1.1.1; "a" is us-west1-a; everything else is what it is. */
void words_address(const char *word, char *out, size_t size);
void words_zone(const char *word, char *out, size_t size);

#endif
