/* Cuts an answer that arrives in pieces of any size into JSON texts, one at a time: the
 * lines of a watch, or the items of a list, so that neither is ever held whole. Only
 * what is needed to find the ends is looked at: the texts are for scan.h to judge.
 * Private to kube/. */
#ifndef IPW_FRAME_H
#define IPW_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

enum frame_form {
	FRAME_LINES, /* one text a line; empty lines are left out */
	FRAME_LIST,  /* one object; its member "items" is cut into elements */
};

enum frame_result {
	FRAME_MORE,	 /* the piece is used up */
	FRAME_TEXT,	 /* a line or an item is complete */
	FRAME_MEMBER,	 /* another member of the list is complete */
	FRAME_OVERSIZED, /* a text was larger than KUBE_OBJECT_MAX, and is dropped */
	FRAME_MALFORMED, /* no list; there is no going on */
};

struct frame {
	enum frame_form form;
	int state;
	struct buf text;
	char key[32]; /* of a member; cut off when longer: no name of ours is */
	size_t key_len;
	unsigned int depth;
	bool in_string;
	bool escaped;
	bool scalar; /* the value ends before the byte that follows it */
};

void frame_init(struct frame *frame, enum frame_form form);
void frame_free(struct frame *frame);

/* Takes bytes from the front of the piece, up to the end of one text. After FRAME_TEXT
 * and FRAME_MEMBER frame->text holds it until the next call, and frame->key the
 * member's name. */
enum frame_result frame_next(struct frame *frame, const char **piece, size_t *len);

/* True when the answer may end here: after the whole list, or between two lines. */
bool frame_is_complete(const struct frame *frame);

#endif
