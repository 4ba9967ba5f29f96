#include "show.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static bool
is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

void
show_text(const char *text, FILE *out)
{
	for (; *text != '\0'; text++)
		fputc(is_printable(*text) ? *text : '?', out);
}

/* Curl has it ignored; who reads us no more is to end us as it ends others. */
void
show_begin(void)
{
	signal(SIGPIPE, SIG_DFL);
}

int
show_end(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	fprintf(stderr, "ipwardenctl: standard output: %s\n", strerror(errno));
	return -EIO;
}

/* --- tables -------------------------------------------------------------------------
 */

static const char *
cell(const char *text)
{
	return text[0] != '\0' ? text : "<none>";
}

void
show_measure(struct show_table *table, const char *const *texts)
{
	for (size_t i = 0; i < table->columns; i++) {
		size_t len = strlen(cell(texts[i]));

		if (len > table->widths[i])
			table->widths[i] = len;
	}
}

void
show_row(const struct show_table *table, const char *const *texts, FILE *out)
{
	for (size_t i = 0; i < table->columns; i++) {
		const char *text = cell(texts[i]);
		size_t len = strlen(text);

		for (size_t at = 0; at < len; at++)
			fputc(
			    text[at] != ' ' && is_printable(text[at]) ? text[at] : '?',
			    out);
		if (i + 1 < table->columns)
			fprintf(out, "%*s", (int)(table->widths[i] - len + 2), "");
	}
	fputc('\n', out);
}

/* --- JSON ---------------------------------------------------------------------------
 */

/* Some terminals take U+0080 to U+009F for commands, in UTF-8 too (ECMA-48 §5.3). */
void
show_string(struct buf *out, const char *value)
{
	buf_putc(out, '"');
	while (*value != '\0') {
		size_t len = buf_utf8_len(value, strlen(value));

		if (len == 2 && value[0] == '\xc2' && (unsigned char)value[1] < 0xa0)
			buf_printf(out, "\\u00%02x", (unsigned char)value[1]);
		else
			buf_put_json(out, value, len > 0 ? len : 1);
		value += len > 0 ? len : 1;
	}
	buf_putc(out, '"');
}

void
show_key(struct buf *out, const char *key)
{
	bool first = out->len == 0 || strchr("{[", out->data[out->len - 1]) != NULL;

	buf_printf(out, "%s\"%s\":", first ? "" : ",", key);
}

void
show_member(struct buf *out, const char *key, const char *value)
{
	show_key(out, key);
	show_string(out, value);
}

/* --- times --------------------------------------------------------------------------
 */

/* The steps of k8s.io/apimachinery/pkg/util/duration, HumanDuration. */
void
show_age(int64_t ms, char out[SHOW_AGE_MAX])
{
	int64_t seconds = ms > 0 ? ms / 1000 : 0;
	int64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;

	if (seconds < 120)
		snprintf(out, SHOW_AGE_MAX, "%jds", (intmax_t)seconds);
	else if (minutes < 10 && seconds % 60 != 0)
		snprintf(out, SHOW_AGE_MAX, "%jdm%jds", (intmax_t)minutes,
		    (intmax_t)(seconds % 60));
	else if (minutes < 180)
		snprintf(out, SHOW_AGE_MAX, "%jdm", (intmax_t)minutes);
	else if (hours < 8 && minutes % 60 != 0)
		snprintf(out, SHOW_AGE_MAX, "%jdh%jdm", (intmax_t)hours,
		    (intmax_t)(minutes % 60));
	else if (hours < 48)
		snprintf(out, SHOW_AGE_MAX, "%jdh", (intmax_t)hours);
	else if (days < 8 && hours % 24 != 0)
		snprintf(out, SHOW_AGE_MAX, "%jdd%jdh", (intmax_t)days,
		    (intmax_t)(hours % 24));
	else
		snprintf(out, SHOW_AGE_MAX, "%jdd", (intmax_t)days);
}

void
show_time(int64_t ms, char out[CLOCK_TEXT_MAX])
{
	struct wall_time time = {ms};

	out[0] = '\0';
	if (ms == 0)
		return;
	clock_format(time, ms % 1000 != 0, out, CLOCK_TEXT_MAX);
	if (ms % 1000 != 0)
		memcpy(out + strlen("2026-11-28T10:03:00.000"), "Z", 2);
}
