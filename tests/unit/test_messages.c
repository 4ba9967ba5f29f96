#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "messages.h"
#include "settings.h"

static unsigned int seed = 1;

static uint64_t
any(uint64_t most)
{
	seed = seed * 1103515245u + 12345u;
	return most > 0 ? (seed >> 8) % (most + 1) : 0;
}

static void
any_text(char *out, size_t most)
{
	size_t len = (size_t)any(most);

	for (size_t i = 0; i < len; i++)
		out[i] = (char)('!' + any(90));
	out[len] = '\0';
}

static void
any_pack(struct pack *pack)
{
	char text[80];

	pack_clear(pack);
	for (uint64_t i = any(5); i > 0; i--) {
		any_text(text, sizeof text - 1);
		cr_assert_eq(pack_add(pack, text), 0);
	}
}

#define ANY_U8(name, most)  msg->name = (uint8_t)any(most);
#define ANY_U32(name)	    msg->name = (uint32_t)any(UINT32_MAX);
#define ANY_U64(name)	    msg->name = any(UINT32_MAX) << 32 | any(UINT32_MAX);
#define ANY_I64(name)	    msg->name = (int64_t)any(UINT32_MAX) - 1000;
#define ANY_STR(name, most) any_text(msg->name, most);
#define ANY_PACK(name)	    any_pack(&msg->name);

#define SAME_NUMBER(name)    cr_assert_eq(a->name, b->name);
#define SAME_U8(name, most)  SAME_NUMBER(name)
#define SAME_STR(name, most) cr_assert_str_eq(a->name, b->name);
#define SAME_PACK(name)                                                                \
	cr_assert_eq(a->name.len, b->name.len);                                        \
	cr_assert_eq(memcmp(a->name.data, b->name.data, a->name.len), 0);

/* Every field of every message survives the way over the wire. Cut short or with a byte
 * too many it is refused. */
#define ROUND_TRIP(constant, name, number, from, to)                                   \
	static void fill_##name(struct msg_##name *msg)                                \
	{                                                                              \
		FIELDS_##name(ANY_U8, ANY_U32, ANY_U64, ANY_I64, ANY_STR, ANY_PACK)    \
	}                                                                              \
	static void same_##name(const struct msg_##name *a,                            \
	    const struct msg_##name *b){FIELDS_##name(SAME_U8, SAME_NUMBER,            \
	    SAME_NUMBER, SAME_NUMBER, SAME_STR, SAME_PACK)} Test(messages, name)       \
	{                                                                              \
		static struct msg_##name in;                                           \
		static struct message out;                                             \
		static uint8_t wire[LINK_FRAME_MAX + 1];                               \
		for (int i = 0; i < 20; i++) {                                         \
			int len;                                                       \
			fill_##name(&in);                                              \
			len = message_encode(constant, &in, wire, LINK_FRAME_MAX);     \
			cr_assert_gt(len, 0);                                          \
			cr_assert_eq(message_decode(wire, (size_t)len, &out), 0);      \
			cr_assert_eq(out.type, constant);                              \
			same_##name(&in, &out.u.name);                                 \
			for (int cut = 0; cut < len; cut++)                            \
				cr_assert_eq(                                          \
				    message_decode(wire, (size_t)cut, &out), -EPROTO); \
			wire[len] = 0;                                                 \
			cr_assert_eq(                                                  \
			    message_decode(wire, (size_t)len + 1, &out), -EPROTO);     \
		}                                                                      \
	}
MESSAGE_LIST(ROUND_TRIP)

Test(messages, largest_of_each_fits_a_frame)
{
#define LARGEST(constant, name, number, from, to)                                      \
	cr_expect_lt(sizeof(struct msg_##name), LINK_FRAME_MAX - 64, #name);
	MESSAGE_LIST(LARGEST)
}

Test(messages, out_of_range_values_are_refused)
{
	struct msg_fact_sync sync = {.kind = FACT_KIND_COUNT};
	uint8_t wire[64];
	struct message out;
	int len = message_encode(MSG_FACT_SYNC, &sync, wire, sizeof wire);

	cr_assert_gt(len, 0);
	cr_assert_eq(message_decode(wire, (size_t)len, &out), -EPROTO);
	wire[0] = 0xff;
	cr_assert_eq(message_decode(wire, (size_t)len, &out), -EPROTO, "unknown type");
	cr_assert_eq(message_encode(MSG_FACT_SYNC, &sync, wire, 2), -EMSGSIZE);
}

Test(messages, permission_follows_the_table)
{
	cr_expect(message_permitted(MSG_FACT_NODE, ROLE_WATCHER, ROLE_RECONCILER));
	cr_expect_not(message_permitted(MSG_FACT_NODE, ROLE_RECONCILER, ROLE_WATCHER));
	cr_expect_not(message_permitted(MSG_ORDER, ROLE_WATCHER, ROLE_CLOUDWORKER));
	cr_expect(message_permitted(MSG_SAMPLE, ROLE_WATCHER, ROLE_METRICSD));
	cr_expect_not(message_permitted(MSG_SAMPLE, ROLE_METRICSD, ROLE_METRICSD));
	cr_expect_not(message_permitted(MSG_GRANT, ROLE_WATCHER, ROLE_RECONCILER));
}

Test(messages, text_is_cut_at_a_character)
{
	char field[4];

	message_text(field, sizeof field, "ab\xc3\xa9");
	cr_assert_str_eq(field, "ab");
	message_text(field, sizeof field, NULL);
	cr_assert_str_eq(field, "");
}

Test(pack, keeps_texts_in_order_and_refuses_what_does_not_fit)
{
	static struct pack pack;
	static char big[PACK_MAX];
	size_t cursor = 0;

	cr_assert_eq(pack_add(&pack, "key"), 0);
	cr_assert_eq(pack_add(&pack, ""), 0);
	memset(big, 'x', sizeof big - 1);
	cr_assert_eq(pack_add(&pack, big), -E2BIG);
	cr_assert_str_eq(pack_next(&pack, &cursor), "key");
	cr_assert_str_eq(pack_next(&pack, &cursor), "");
	cr_assert_null(pack_next(&pack, &cursor));
	cr_assert_str_eq(pack_value(&pack, "key"), "");
	cr_assert_null(pack_value(&pack, "other"));
}

Test(settings, refuse_what_no_setting_can_be)
{
	struct settings settings = {0};

	cr_assert_eq(settings_set(&settings, SETTING_KUBE_HOST, "a"), 0);
	cr_assert_eq(settings_set(&settings, SETTING_KUBE_HOST, "b"), 0);
	cr_assert_str_eq(settings_get(&settings, SETTING_KUBE_HOST, "c"), "b");
	cr_assert_eq(settings_set(&settings, SETTING_COUNT, "a"), -EINVAL);
	cr_assert_eq(settings_set(&settings, SETTING_KUBE_HOST, "a\nb"), -EINVAL);
	cr_assert_eq(settings_number(&settings, SETTING_KUBE_PORT, 1, 65535, 443), 443);
	settings_free(&settings);
	cr_assert_null(settings_get(&settings, SETTING_KUBE_HOST, NULL));
}
