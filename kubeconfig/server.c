#include "server.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kubeconfig.h"
#include "mem.h"

#define SCHEME	     "https://"
#define PORT_DEFAULT "443"
#define LABEL_MAX    63u

static bool
host_is_address(const char *host, int family)
{
	unsigned char bytes[16];

	return inet_pton(family, host, bytes) == 1;
}

static bool
host_is_name(const char *host)
{
	size_t label = 0;
	bool letters = false;

	for (const char *c = host; *c != '\0'; c++) {
		bool digit = *c >= '0' && *c <= '9';
		bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			      *c == '-' || *c == '_';

		if (*c == '.' ? label == 0 : !digit && !letter)
			return false;
		letters = letters || letter;
		label = *c == '.' ? 0 : label + 1;
		if (label > LABEL_MAX)
			return false;
	}
	/* digits and dots alone are a mistyped address */
	return letters;
}

bool
server_host_is_valid(const char *host)
{
	size_t len = strnlen(host, KUBECONFIG_HOST_MAX + 1);

	if (len == 0 || len > KUBECONFIG_HOST_MAX)
		return false;
	return host_is_address(host, AF_INET) || host_is_address(host, AF_INET6) ||
	       host_is_name(host);
}

static const char *
port_parse(const char *text, size_t len, char ret_port[6])
{
	static const char bad[] = "its port is not a number from 1 to 65535";
	unsigned int port = 0;

	if (len == 0 || len > 5)
		return bad;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return bad;
		port = port * 10 + (unsigned int)(text[i] - '0');
	}
	if (port < 1 || port > 65535)
		return bad;
	snprintf(ret_port, 6, "%u", port);
	return NULL;
}

/* Where the host ends and, after its bracket, the port may begin. */
static size_t
host_length(const char *authority, bool bracketed)
{
	return strcspn(authority, bracketed ? "]" : ":");
}

static const char *
authority_parse(const char *authority, size_t len, char **ret_host, char ret_port[6])
{
	char *copy = mem_strndup(authority, len);
	bool bracketed = copy[0] == '[';
	char *host = copy + (bracketed ? 1 : 0);
	char *rest = host + host_length(host, bracketed);
	const char *why = NULL;

	if (bracketed && *rest == ']')
		*rest++ = '\0';
	else if (bracketed)
		why = "its bracket is not closed";
	if (why == NULL && *rest == ':') {
		*rest++ = '\0';
		why = port_parse(rest, strlen(rest), ret_port);
	} else if (why == NULL && *rest != '\0') {
		why = "its host is malformed";
	}
	if (why == NULL && bracketed != host_is_address(host, AF_INET6))
		why = "an IPv6 address, and only that, stands in brackets";
	if (why == NULL && !server_host_is_valid(host))
		why = "its host is neither a name nor an address";
	for (char *c = host; why == NULL && *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	if (why == NULL)
		*ret_host = mem_strdup(host);
	free(copy);
	return why;
}

const char *
server_parse(const char *url, char **ret_host, char ret_port[6])
{
	char port[6] = PORT_DEFAULT;
	const char *authority, *why;
	size_t len;

	if (strncasecmp(url, SCHEME, strlen(SCHEME)) != 0)
		return "it is no https:// address";
	authority = url + strlen(SCHEME);
	len = strcspn(authority, "/?#");
	if (authority[len] != '\0' && strcmp(authority + len, "/") != 0)
		return "a path after the host is not supported";
	if (memchr(authority, '@', len) != NULL)
		return "a user in the address is not supported";
	why = authority_parse(authority, len, ret_host, port);
	if (why == NULL)
		memcpy(ret_port, port, sizeof port);
	return why;
}
