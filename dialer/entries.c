#include "entries.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* Letters, digits, '-', '_' and dots between labels of 1 to 63; one dot may end it. */
static bool
host_is_name(const char *host)
{
	size_t label = 0;

	if (*host == '\0')
		return false;
	for (const char *c = host; *c != '\0'; c++) {
		bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			      (*c >= '0' && *c <= '9') || *c == '-' || *c == '_';

		if (*c == '.' && label == 0)
			return false;
		if (*c != '.' && !letter)
			return false;
		label = *c == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return true;
}

static int
port_parse(const char *text, uint16_t *ret_port)
{
	unsigned long port = 0;

	for (const char *c = text; *c != '\0'; c++) {
		if (*c < '0' || *c > '9' || c - text >= 5)
			return -EINVAL;
		port = port * 10 + (unsigned long)(*c - '0');
	}
	if (port < 1 || port > UINT16_MAX)
		return -EINVAL;
	*ret_port = (uint16_t)port;
	return 0;
}

int
entry_parse(const char *value, struct entry *ret_entry)
{
	struct entry entry = {.allowed = true};
	const char *blank = strchr(value, ' ');
	size_t len = blank != NULL ? (size_t)(blank - value) : 0;

	if (len == 0 || len >= sizeof entry.host ||
	    port_parse(blank + 1, &entry.port) < 0)
		return -EINVAL;
	memcpy(entry.host, value, len);
	if (inet_pton(AF_INET, entry.host, entry.address.bytes) == 1)
		entry.address.family = AF_INET;
	else if (inet_pton(AF_INET6, entry.host, entry.address.bytes) == 1)
		entry.address.family = AF_INET6;
	else if (!host_is_name(entry.host))
		return -EINVAL;
	entry.literal = entry.address.family != 0;
	*ret_entry = entry;
	return 0;
}

int
entries_read(const struct settings *settings, struct entries *ret_entries)
{
	static const enum setting keys[DIAL_COUNT] = {
	    [DIAL_KUBE] = SETTING_DIAL_KUBE,
	    [DIAL_COMPUTE] = SETTING_DIAL_COMPUTE,
	    [DIAL_METADATA] = SETTING_DIAL_METADATA,
	};
	struct entries entries = {0};
	bool any = false;

	for (size_t i = 0; i < DIAL_COUNT; i++) {
		const char *value = settings_get(settings, keys[i], NULL);

		if (value == NULL)
			continue;
		if (entry_parse(value, &entries.list[i]) < 0) {
			log_error("entry_refused",
			    LOG_S("setting", setting_name(keys[i])),
			    LOG_S("value", value));
			return -EINVAL;
		}
		any = true;
	}
	if (!any)
		log_warn("entries_missing", LOG_S("effect", "nothing is dialed"));
	*ret_entries = entries;
	return 0;
}

static bool
ipv4_is_special(const uint8_t *bytes)
{
	return bytes[0] == 0 || bytes[0] == 127 || bytes[0] >= 224 ||
	       (bytes[0] == 169 && bytes[1] == 254);
}

static bool
ipv6_is_special(const uint8_t *bytes)
{
	static const uint8_t zero[12] = {0};
	static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};

	/* ::, ::1, v4-compatible, v4-mapped and whatever else begins with 80 zero bits
	 */
	if (memcmp(bytes, zero, 10) == 0)
		return true;
	if ((bytes[0] & 0xfe) == 0xfc || bytes[0] == 0xff)
		return true;
	/* fe80::/10 and the former site-local fec0::/10 */
	if (bytes[0] == 0xfe && (bytes[1] & 0x80) == 0x80)
		return true;
	/* RFC 6052 §2.1 and RFC 3056 §2: an IPv4 address inside */
	if (memcmp(bytes, nat64, sizeof nat64) == 0)
		return ipv4_is_special(bytes + 12);
	if (bytes[0] == 0x20 && bytes[1] == 0x02)
		return ipv4_is_special(bytes + 2);
	return false;
}

bool
address_is_special(const struct resolve_address *address)
{
	if (address->family == AF_INET)
		return ipv4_is_special(address->bytes);
	if (address->family == AF_INET6)
		return ipv6_is_special(address->bytes);
	return true;
}

socklen_t
address_to_socket(const struct resolve_address *address, uint16_t port,
    struct sockaddr_storage *ret_socket)
{
	struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	if (address->family == AF_INET) {
		memcpy(&ipv4.sin_addr, address->bytes, sizeof ipv4.sin_addr);
		memcpy(ret_socket, &ipv4, sizeof ipv4);
		return sizeof ipv4;
	}
	if (address->family == AF_INET6) {
		memcpy(&ipv6.sin6_addr, address->bytes, sizeof ipv6.sin6_addr);
		memcpy(ret_socket, &ipv6, sizeof ipv6);
		return sizeof ipv6;
	}
	return 0;
}
