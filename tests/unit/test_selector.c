/* What labels.Parse of Kubernetes takes and refuses, and what it chooses. */
#include "selector.h"

#include <criterion/criterion.h>
#include <string.h>

/* `labels` is key, value, …, NULL. */
static bool
chooses(const char *text, const char *const *labels)
{
	struct selector *selector = selector_new(text);
	struct selector_look look = {0};
	bool chosen;

	cr_assert_not_null(selector, "%s", text);
	for (; labels[0] != NULL; labels += 2)
		selector_see(selector, &look, labels[0], strlen(labels[0]), labels[1]);
	chosen = selector_chooses(selector, &look);
	selector_free(selector);
	return chosen;
}

Test(selector, chooses)
{
	static const char *const sip[] = {
	    "app", "sip", "tier", "", "level", "7", "example.com/x", "A.b_c", NULL};
	static const char *const bare[] = {NULL};
	static const struct {
		const char *text;
		bool sip, bare;
	} rows[] = {
	    {"", true, true},
	    {"  ", true, true},
	    {"app=sip", true, false},
	    {"app==sip", true, false},
	    {" app = sip ", true, false},
	    {"app=si", false, false},
	    {"ap=sip", false, false},
	    {"app!=sip", false, true},
	    {"app!=rtp", true, true},
	    {"tier=", true, false},
	    {"tier!=", false, true},
	    {"app", true, false},
	    {"!app", false, true},
	    {"! other", true, true},
	    {"app in (rtp,sip)", true, false},
	    {"app in(rtp)", false, false},
	    {"tier in ()", true, false},
	    {"tier in (a,,b)", true, false},
	    {"app notin (rtp, sip)", false, true},
	    {"app notin (rtp)", true, true},
	    {"level>6", true, false},
	    {"level>7", false, false},
	    {"level < 8", true, false},
	    {"app>6", false, false},
	    {"example.com/x=A.b_c", true, false},
	    {"app=sip,level>6,!other", true, false},
	    {"app=sip,level>7", false, false},
	    {"app,app!=rtp", true, false},
	    {"app!=sip,app!=rtp", false, true},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		cr_assert_eq(chooses(rows[i].text, sip), rows[i].sip, "%s: with labels",
		    rows[i].text);
		cr_assert_eq(chooses(rows[i].text, bare), rows[i].bare, "%s: without",
		    rows[i].text);
	}
}

Test(selector, refuses)
{
	static const char *const texts[] = {",", "app,", ",app", "=sip", "app=sip tier",
	    "app=a=b", "app=!", "app in", "app in sip", "app in (a", "app in (a b)",
	    "app notin a", "!app=sip", "!", "app>x", "app>", "app>5x", "-app", "app-",
	    "a/b/c", "/app", "EXAMPLE.com/app", "app=-x", "app=x-", "app=a/b",
	    "app\x01=b", "app===b", "app(b)",
	    "a123456789012345678901234567890123456789012345678901234567890123=b",
	    "a=b123456789012345678901234567890123456789012345678901234567890123",
	    "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a"};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		cr_assert_null(selector_new(texts[i]), "%s", texts[i]);
}

Test(selector, largest)
{
	char text[SELECTOR_TEXT_MAX + 2] = "a in (";

	memset(text + 6, ',', sizeof text - 8);
	text[sizeof text - 3] = ')';
	text[sizeof text - 2] = '\0';
	selector_free(selector_new(text));
	cr_assert_not_null(selector_new(text), "as long as it may be");
	memcpy(text + sizeof text - 3, ") ", 3);
	cr_assert_null(selector_new(text), "longer");
}
