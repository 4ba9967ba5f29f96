/* Nodes n0, n1, … with their VMs, and the pods of Deployment sip on them. */
#ifndef IPW_NODES_H
#define IPW_NODES_H

#include <stdbool.h>
#include <stddef.h>

#define NODES_MAX 6u
#define PODS_MAX  3u

struct json_object;
struct vm;

void nodes_path(size_t node, char out[64]);
/* The Node; NULL: there is none. Borrowed. */
struct json_object *nodes_get(size_t node);
struct vm *nodes_vm(size_t node);
bool nodes_cordoned(size_t node);
bool nodes_ready(size_t node);
/* A new Node, and a VM if there is none of that name. */
void nodes_make(size_t node);
void nodes_patch(size_t node, const char *patch);
void nodes_cordon(size_t node, bool cordoned);
void nodes_set_ready(size_t node, bool ready);

void nodes_put_pod(size_t pod, size_t node);
void nodes_drop_pod(size_t pod);
/* Those on that node are gone. */
void nodes_drain_pods(size_t node);
/* What a Deployment does: pods that are gone come back. */
void nodes_keep_pods(void);

#endif
