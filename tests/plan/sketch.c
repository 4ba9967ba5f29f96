#include "sketch.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "sketch_words.h"

struct sketch *
sketch_new(void)
{
	return mem_calloc(1, sizeof(struct sketch));
}

void
sketch_free(struct sketch *sketch)
{
	if (sketch == NULL)
		return;
	for (size_t i = 0; i < sketch->nias_len; i++)
		json_object_put(sketch->nias[i]);
	free(sketch);
}

/* --- finding and making things ---------------------------------------------------- */

struct sketch_node *
sketch_node(struct sketch *sketch, const char *name)
{
	for (size_t i = 0; i < sketch->nodes_len; i++)
		if (strcmp(sketch->nodes[i].fact.name, name) == 0)
			return &sketch->nodes[i];
	return NULL;
}

static struct sketch_node *
sketch_add_node(struct sketch *sketch, const char *name)
{
	struct sketch_node *node = &sketch->nodes[sketch->nodes_len];

	if (sketch->nodes_len == SKETCH_NODES_MAX)
		return NULL;
	sketch->nodes_len++;
	MESSAGE_TEXT(node->fact.name, name);
	snprintf(node->fact.uid, sizeof node->fact.uid, "uid-%s", name);
	snprintf(node->instance, sizeof node->instance, "id-%s", name);
	MESSAGE_TEXT(node->zone, "us-west1-a");
	MESSAGE_TEXT(node->project, "demo");
	node->fact.ready = NODE_READY_TRUE;
	node->fact.ready_since_ms = SKETCH_WALL_MS - 86400000;
	return node;
}

static struct msg_fact_pod *
sketch_pod(struct sketch *sketch, const char *name)
{
	struct msg_fact_pod *pod = &sketch->pods[sketch->pods_len];

	for (size_t i = 0; i < sketch->pods_len; i++)
		if (strcmp(sketch->pods[i].name, name) == 0)
			return &sketch->pods[i];
	if (sketch->pods_len == SKETCH_PODS_MAX)
		return NULL;
	sketch->pods_len++;
	MESSAGE_TEXT(pod->name, name);
	snprintf(pod->uid, sizeof pod->uid, "uid-%s", name);
	MESSAGE_TEXT(pod->namespace, "default");
	MESSAGE_TEXT(pod->owner_kind, "ReplicaSet");
	MESSAGE_TEXT(pod->owner_name, "sip-7d9");
	MESSAGE_TEXT(pod->template_hash, "7d9");
	pod->phase = POD_PHASE_RUNNING;
	return pod;
}

struct sketch_cloud *
sketch_cloud(struct sketch *sketch, const char *address)
{
	struct sketch_cloud *cloud = &sketch->clouds[sketch->clouds_len];

	for (size_t i = 0; i < sketch->clouds_len; i++)
		if (strcmp(sketch->clouds[i].address, address) == 0)
			return &sketch->clouds[i];
	if (sketch->clouds_len == SKETCH_CLOUDS_MAX)
		return NULL;
	sketch->clouds_len++;
	MESSAGE_TEXT(cloud->address, address);
	MESSAGE_TEXT(cloud->region, "us-west1");
	return cloud;
}

static struct sketch_place *
sketch_place(struct sketch *sketch, const char *name)
{
	struct sketch_place *place = &sketch->places[sketch->places_len];

	for (size_t i = 0; i < sketch->places_len; i++)
		if (strcmp(sketch->places[i].name, name) == 0)
			return &sketch->places[i];
	if (sketch->places_len == SKETCH_PLACES_MAX)
		return NULL;
	sketch->places_len++;
	MESSAGE_TEXT(place->name, name);
	return place;
}

const char *
sketch_nia_name(const struct json_object *nia)
{
	struct json_object *metadata = json_object_object_get(nia, "metadata");

	return json_object_get_string(json_object_object_get(metadata, "name"));
}

static struct json_object *
sketch_nia(struct sketch *sketch, const char *name)
{
	for (size_t i = 0; i < sketch->nias_len; i++)
		if (strcmp(sketch_nia_name(sketch->nias[i]), name) == 0)
			return sketch->nias[i];
	return NULL;
}

static struct json_object *
sketch_add_nia(struct sketch *sketch, const char *name)
{
	size_t place = sketch->nias_len;
	char *text;

	if (place == SKETCH_NIAS_MAX)
		return NULL;
	text = mem_printf(
	    "{\"metadata\":{\"name\":\"%s\",\"uid\":\"uid-%s\",\"generation\":1,"
	    "\"creationTimestamp\":\"2026-01-0%zuT00:00:00Z\",\"annotations\":{}},"
	    "\"spec\":{\"reservedIPs\":[],\"cloud\":{\"provider\":\"gcp\"},"
	    "\"workloadRef\":{\"kind\":\"Deployment\",\"name\":\"sip\"}},"
	    "\"status\":{\"addresses\":[]}}",
	    name, name, place + 1);
	sketch->nias[place] = json_tokener_parse(text);
	free(text);
	return sketch->nias[sketch->nias_len++];
}

struct json_object *
sketch_entry(struct json_object *nia, const char *address)
{
	struct json_object *status = json_object_object_get(nia, "status");
	struct json_object *list = json_object_object_get(status, "addresses");
	struct json_object *entry;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		entry = json_object_array_get_idx(list, i);
		if (strcmp(json_object_get_string(
			       json_object_object_get(entry, "address")),
			address) == 0)
			return entry;
	}
	entry = json_object_new_object();
	json_object_object_add(entry, "address", json_object_new_string(address));
	json_object_array_add(list, entry);
	return entry;
}

static void
sketch_set(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, json_object_new_string(value));
}

void
sketch_entry_at(struct sketch *sketch, struct json_object *entry, const char *name)
{
	const struct sketch_node *node = sketch_node(sketch, name);

	json_object_object_del(entry, "intent");
	sketch_set(entry, "state", "Attached");
	sketch_set(entry, "nodeName", node->fact.name);
	sketch_set(entry, "nodeUID", node->fact.uid);
	sketch_set(entry, "instanceID", node->instance);
	sketch_set(entry, "project", node->project);
	sketch_set(entry, "zone", node->zone);
	sketch_set(entry, "fence", "external-nat");
}

/* --- lines ------------------------------------------------------------------------ */

#define WORDS_MAX 40

struct words {
	char text[SKETCH_LINE_MAX];
	char *at[WORDS_MAX];
	size_t len;
	char *error;
	size_t error_size;
};

static int
sketch_refuse(const struct words *words, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(words->error, words->error_size, format, args);
	va_end(args);
	return -EINVAL;
}

static void
sketch_split(struct words *words, const char *line)
{
	char *save = NULL;

	MESSAGE_TEXT(words->text, line);
	for (char *word = strtok_r(words->text, " \t", &save);
	     word != NULL && words->len < WORDS_MAX && word[0] != '#';
	     word = strtok_r(NULL, " \t", &save))
		words->at[words->len++] = word;
}

static const char *
sketch_word(const struct words *words, size_t place)
{
	return place < words->len ? words->at[place] : "";
}

static int
line_node(struct sketch *sketch, const struct words *words)
{
	struct sketch_node *node = sketch_node(sketch, sketch_word(words, 1));

	if (node == NULL)
		node = sketch_add_node(sketch, sketch_word(words, 1));
	if (node == NULL)
		return sketch_refuse(words, "too many nodes");
	for (size_t i = 2; i < words->len; i++)
		if (!words_node(node, words->at[i]))
			return sketch_refuse(
			    words, "\"%s\" is no word of a node", words->at[i]);
	return 0;
}

static int
line_pod(struct sketch *sketch, const struct words *words)
{
	struct msg_fact_pod *pod = sketch_pod(sketch, sketch_word(words, 1));

	if (pod == NULL)
		return sketch_refuse(words, "too many pods");
	MESSAGE_TEXT(pod->node, sketch_word(words, 2));
	for (size_t i = 3; i < words->len; i++)
		if (!words_pod(pod, words->at[i]))
			return sketch_refuse(
			    words, "\"%s\" is no word of a pod", words->at[i]);
	return 0;
}

static int
line_cloud(struct sketch *sketch, const struct words *words)
{
	char address[ADDRESS_MAX + 1];
	const char *how = sketch_word(words, 2), *where = sketch_word(words, 3);
	struct sketch_cloud *cloud;

	words_address(sketch_word(words, 1), address, sizeof address);
	cloud = sketch_cloud(sketch, address);
	if (cloud == NULL)
		return sketch_refuse(words, "too many addresses");
	if (strcmp(how, "region") == 0)
		MESSAGE_TEXT(cloud->region, where);
	else if (!words_shown(how, &cloud->shown))
		return sketch_refuse(words, "\"%s\" is nothing of a cloud", how);
	else
		MESSAGE_TEXT(cloud->where, where);
	return 0;
}

static int
line_place(struct sketch *sketch, const struct words *words)
{
	char name[PLACE_MAX + 1];
	struct sketch_place *place;

	words_zone(sketch_word(words, 1), name, sizeof name);
	place = sketch_place(sketch, name);
	if (place == NULL || !words_look(sketch_word(words, 2), &place->look))
		return sketch_refuse(words, "place PLACE fresh|dark|failed|old|unseen");
	return 0;
}

static int
line_changed(struct sketch *sketch, const struct words *words)
{
	char address[ADDRESS_MAX + 1];
	struct sketch_cloud *cloud;

	words_address(sketch_word(words, 1), address, sizeof address);
	cloud = sketch_cloud(sketch, address);
	if (cloud == NULL)
		return sketch_refuse(words, "too many addresses");
	cloud->changed = true;
	return 0;
}

static int
line_nia(struct sketch *sketch, const struct words *words)
{
	struct json_object *nia = sketch_nia(sketch, sketch_word(words, 1));

	if (nia == NULL)
		nia = sketch_add_nia(sketch, sketch_word(words, 1));
	if (nia == NULL)
		return sketch_refuse(words, "too many allocations");
	for (size_t i = 2; i < words->len; i++)
		if (!words_nia(nia, words->at[i]))
			return sketch_refuse(
			    words, "\"%s\" is no word of an allocation", words->at[i]);
	return 0;
}

static int
line_entry(struct sketch *sketch, const struct words *words)
{
	struct json_object *nia = sketch_nia(sketch, sketch_word(words, 1));
	char address[ADDRESS_MAX + 1];

	if (nia == NULL)
		return sketch_refuse(
		    words, "no allocation \"%s\"", sketch_word(words, 1));
	words_address(sketch_word(words, 2), address, sizeof address);
	for (size_t i = 3; i < words->len; i++)
		if (!words_entry(sketch, sketch_entry(nia, address), words->at[i]))
			return sketch_refuse(
			    words, "\"%s\" is no word of an entry", words->at[i]);
	return 0;
}

static int
line_at(struct sketch *sketch, const struct words *words)
{
	struct json_object *nia = sketch_nia(sketch, sketch_word(words, 1));
	const char *node = sketch_word(words, 3);
	char address[ADDRESS_MAX + 1];
	struct sketch_cloud *cloud;

	words_address(sketch_word(words, 2), address, sizeof address);
	cloud = sketch_cloud(sketch, address);
	if (nia == NULL || cloud == NULL || sketch_node(sketch, node) == NULL)
		return sketch_refuse(words, "at NIA ADDRESS NODE");
	cloud->shown = SKETCH_ON;
	MESSAGE_TEXT(cloud->where, node);
	sketch_entry_at(sketch, sketch_entry(nia, address), node);
	return 0;
}

static int
line_note(struct sketch *sketch, const struct words *words)
{
	struct sketch_note *note = &sketch->notes[sketch->notes_len];

	if (sketch->notes_len == SKETCH_NOTES_MAX)
		return sketch_refuse(words, "too many notes");
	sketch->notes_len++;
	MESSAGE_TEXT(note->kind, sketch_word(words, 1));
	words_address(sketch_word(words, 2), note->about, sizeof note->about);
	MESSAGE_TEXT(note->node, sketch_word(words, 3));
	return 0;
}

static const struct {
	const char *name;
	size_t least; /* words */
	int (*line)(struct sketch *sketch, const struct words *words);
} lines[] = {
    {"node", 2, line_node},
    {"pod", 3, line_pod},
    {"cloud", 3, line_cloud},
    {"place", 3, line_place},
    {"changed", 2, line_changed},
    {"nia", 2, line_nia},
    {"entry", 4, line_entry},
    {"at", 4, line_at},
    {"note", 3, line_note},
};

int
sketch_line(struct sketch *sketch, const char *line, char *error, size_t size)
{
	struct words words = {.error = error, .error_size = size};

	sketch_split(&words, line);
	if (words.len == 0)
		return 0;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		if (strcmp(words.at[0], lines[i].name) == 0)
			return words.len >= lines[i].least
				   ? lines[i].line(sketch, &words)
				   : sketch_refuse(&words, "too few words");
	return sketch_refuse(&words, "\"%s\" is no line of a world", words.at[0]);
}
