/* A YAML document (JSON is one, too) as a tree, from libyaml's event parser. What a
 * kubeconfig never needs and an attacker might is refused: aliases, tags, merge keys,
 * duplicate keys, several documents, depth and size without end. */
#ifndef IPW_CONFIG_TREE_H
#define IPW_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>

/* Maps and lists within one another, values in all, and keys in one map. */
#define TREE_DEPTH_MAX	32u
#define TREE_VALUES_MAX 20000u
#define TREE_KEYS_MAX	512u

enum tree_kind { TREE_TEXT, TREE_MAP, TREE_LIST };

struct tree {
	enum tree_kind kind;
	size_t line; /* from 1 */
	char *key;   /* of a map's value; else NULL */
	char *text;  /* of a text: no NUL inside; wiped by tree_free */
	bool plain;  /* a text without quotes: may be a null, a truth value, a number */
	size_t children_len;
	struct tree *first; /* of a map or list, in the file's order */
	struct tree *last;
	struct tree *next; /* the following sibling */
};

/* Returns the tree, the caller's; or NULL, and one line in `reason` says why. */
struct tree *tree_read(const char *text, size_t len, char *reason, size_t reason_size);
void tree_free(struct tree *tree);

/* The value under a key; NULL when there is none, it is null, or `tree` is no map. */
const struct tree *tree_get(const struct tree *tree, const char *key);

/* True for what YAML 1.1 reads as null. */
bool tree_is_null(const struct tree *tree);

#endif
