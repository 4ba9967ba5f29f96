#include "conf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "dns.h"

/* The C library's defaults. */
#define NDOTS_DEFAULT	 1u
#define TIMEOUT_DEFAULT	 5u
#define ATTEMPTS_DEFAULT 2u

/* The longest word that means anything: an IPv6 address, a domain, an option. */
#define WORD_SIZE (RESOLVE_NAME_SIZE + 1)

struct cursor {
	const char *at;
	const char *end;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of the line; false at its end. A word that is too long comes out empty:
 * it cannot be anything that is known. */
static bool
next_word(struct cursor *line, char word[WORD_SIZE])
{
	size_t len = 0;

	while (line->at < line->end && is_blank(*line->at))
		line->at++;
	if (line->at == line->end)
		return false;
	while (line->at + len < line->end && !is_blank(line->at[len]))
		len++;
	word[0] = '\0';
	if (len < WORD_SIZE) {
		memcpy(word, line->at, len);
		word[len] = '\0';
	}
	line->at += len;
	return true;
}

/* Addresses with a zone ("fe80::1%eth0") are left out: turning it into a number takes
 * system calls that the resolver does not have. */
static void
add_server(struct conf *conf, const char *text, uint16_t port)
{
	struct conf_server *server = &conf->servers[conf->servers_len];
	struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	if (conf->servers_len == CONF_SERVERS_MAX)
		return;
	if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1) {
		memcpy(&server->address, &ipv4, sizeof ipv4);
		server->address_len = sizeof ipv4;
		conf->servers_len++;
	} else if (inet_pton(AF_INET6, text, &ipv6.sin6_addr) == 1) {
		memcpy(&server->address, &ipv6, sizeof ipv6);
		server->address_len = sizeof ipv6;
		conf->servers_len++;
	}
}

static void
add_search(struct conf *conf, char *domain)
{
	size_t len = strlen(domain);

	if (len > 1 && domain[len - 1] == '.')
		domain[len - 1] = '\0';
	if (conf->search_len == CONF_SEARCH_MAX || !dns_name_is_valid(domain))
		return;
	memcpy(conf->search[conf->search_len], domain, strlen(domain) + 1);
	conf->search_len++;
}

/* "ndots:5" when `word` begins with `name`; values above `most` count as `most`. */
static void
set_option(const char *word, const char *name, unsigned int least, unsigned int most,
    unsigned int *value)
{
	size_t len = strlen(name);
	unsigned int number = 0;

	if (strncmp(word, name, len) != 0 || word[len] < '0' || word[len] > '9')
		return;
	for (const char *c = word + len; *c >= '0' && *c <= '9'; c++) {
		number = number * 10 + (unsigned int)(*c - '0');
		if (number > most)
			number = most;
	}
	*value = number < least ? least : number;
}

static void
read_line(struct conf *conf, struct cursor line, uint16_t port)
{
	char keyword[WORD_SIZE] = "", word[WORD_SIZE] = "";

	if (!next_word(&line, keyword))
		return;
	if (strcmp(keyword, "nameserver") == 0 && next_word(&line, word)) {
		add_server(conf, word, port);
	} else if (strcmp(keyword, "search") == 0) {
		conf->search_len = 0;
		while (next_word(&line, word))
			add_search(conf, word);
	} else if (strcmp(keyword, "domain") == 0 && next_word(&line, word)) {
		conf->search_len = 0;
		add_search(conf, word);
	} else if (strcmp(keyword, "options") == 0) {
		while (next_word(&line, word)) {
			set_option(word, "ndots:", 0, CONF_NDOTS_MAX, &conf->ndots);
			set_option(
			    word, "timeout:", 1, CONF_TIMEOUT_MAX, &conf->timeout_s);
			set_option(
			    word, "attempts:", 1, CONF_ATTEMPTS_MAX, &conf->attempts);
		}
	}
}

void
conf_read(const char *text, size_t len, uint16_t port, struct conf *ret_conf)
{
	struct cursor line = {text, text};
	const char *end = text + len;

	*ret_conf = (struct conf){
	    .ndots = NDOTS_DEFAULT,
	    .timeout_s = TIMEOUT_DEFAULT,
	    .attempts = ATTEMPTS_DEFAULT,
	};
	while (line.at < end) {
		line.end = memchr(line.at, '\n', (size_t)(end - line.at));
		if (line.end == NULL)
			line.end = end;
		if (*line.at != '#' && *line.at != ';')
			read_line(ret_conf, line, port);
		line.at = line.end < end ? line.end + 1 : end;
	}
	if (ret_conf->servers_len == 0)
		add_server(ret_conf, "127.0.0.1", port);
}

static bool
is_absolute(const char *name, size_t len)
{
	return name[len - 1] == '.';
}

static unsigned int
count_dots(const char *name)
{
	unsigned int dots = 0;

	for (; *name != '\0'; name++)
		if (*name == '.')
			dots++;
	return dots;
}

int
conf_candidate(const struct conf *conf, const char *name, size_t index,
    char ret_candidate[RESOLVE_NAME_SIZE])
{
	size_t len = strlen(name), itself;
	const char *domain = NULL;
	int written;

	if (len == 0 || (is_absolute(name, len) && index > 0))
		return -ENOENT;
	if (index > conf->search_len)
		return -ENOENT;
	itself = count_dots(name) >= conf->ndots ? 0 : conf->search_len;
	if (!is_absolute(name, len) && index != itself)
		domain = conf->search[index < itself ? index : index - 1];
	written = snprintf(ret_candidate, RESOLVE_NAME_SIZE, "%s%s%s", name,
	    domain != NULL ? "." : "", domain != NULL ? domain : "");
	if (written < 0 || (size_t)written >= RESOLVE_NAME_SIZE)
		return 0;
	if (is_absolute(ret_candidate, (size_t)written))
		ret_candidate[written - 1] = '\0';
	return dns_name_is_valid(ret_candidate) ? 1 : 0;
}
