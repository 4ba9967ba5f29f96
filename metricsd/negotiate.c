/* Which format a client wants. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "exposition.h"

const char *
exposition_type(enum exposition_format format)
{
	return format == EXPOSITION_OPENMETRICS
		   ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		   : "text/plain; version=0.0.4; charset=utf-8";
}

/* A piece of the header: neither of ours, nor ended by a NUL. */
struct piece {
	const char *at;
	size_t len;
};

/* Takes what stands before `end`, without the spaces around it. */
static struct piece
take(const char **at, const char *limit, char end)
{
	const char *stop = memchr(*at, end, (size_t)(limit - *at));
	struct piece piece = {*at, (size_t)((stop != NULL ? stop : limit) - *at)};

	*at = stop != NULL ? stop + 1 : limit;
	while (piece.len > 0 && strchr(" \t\"", piece.at[0]) != NULL) {
		piece.at++;
		piece.len--;
	}
	while (piece.len > 0 && strchr(" \t\"", piece.at[piece.len - 1]) != NULL)
		piece.len--;
	return piece;
}

static bool
is(struct piece piece, const char *word)
{
	return piece.len == strlen(word) && strncasecmp(piece.at, word, piece.len) == 0;
}

struct range {
	struct piece type;
	struct piece version; /* len 0: not given */
	double weight;
};

/* What is no number is weight 1, as if it were not there. */
static double
read_weight(struct piece piece)
{
	char text[8], *end;
	double weight;

	if (piece.len == 0 || piece.len >= sizeof text)
		return 1;
	memcpy(text, piece.at, piece.len);
	text[piece.len] = '\0';
	weight = strtod(text, &end);
	return *end == '\0' && weight >= 0 && weight <= 1 ? weight : 1;
}

static struct range
read_range(struct piece piece)
{
	const char *at = piece.at, *limit = piece.at + piece.len;
	struct range range = {.type = take(&at, limit, ';'), .weight = 1};

	while (at < limit) {
		struct piece parameter = take(&at, limit, ';');
		const char *inside = parameter.at, *end = parameter.at + parameter.len;
		struct piece name = take(&inside, end, '=');
		struct piece value = take(&inside, end, '=');

		if (is(name, "q"))
			range.weight = read_weight(value);
		else if (is(name, "version"))
			range.version = value;
	}
	return range;
}

enum exposition_format
exposition_negotiate(const char *accept)
{
	const char *at = accept != NULL ? accept : "";
	const char *limit = at + strlen(at);
	double plain = 0, open = 0;

	while (at < limit) {
		struct range range = read_range(take(&at, limit, ','));
		double *best = NULL;

		if (is(range.type, "application/openmetrics-text") &&
		    (range.version.len == 0 || is(range.version, "1.0.0")))
			best = &open;
		else if ((is(range.type, "text/plain") &&
			     !is(range.version, "1.0.0")) ||
			 is(range.type, "text/*") || is(range.type, "*/*"))
			best = &plain;
		if (best != NULL && range.weight > *best)
			*best = range.weight;
	}
	return open > 0 && open >= plain ? EXPOSITION_OPENMETRICS
					 : EXPOSITION_PROMETHEUS;
}
