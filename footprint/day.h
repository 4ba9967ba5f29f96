/* Where the addresses were on one day of UTC, in ConfigMaps
 * ipwarden-addresses-YYYYMMDD, -p2, -p3 … of at most PART_MAX bytes each: one key
 * an address, its value a line a stay (stay.h), in order of time.
 *
 * At a time that no stay covers it is not known where the address was. A stay lasts
 * while the cloud is seen to say the same, and who goes on after a gap of less than
 * DAY_GAP_MS, such as another leader, takes the same answer for the same stay: a move
 * away and back within that gap is not seen. At midnight a stay ends with the day, and
 * begins again in the next one. Pure: ConfigMaps in, ConfigMaps out. */
#ifndef IPW_FOOTPRINT_DAY_H
#define IPW_FOOTPRINT_DAY_H

#include <stdbool.h>
#include <stddef.h>

#include "parts.h"
#include "stay.h"

struct day;

#define DAY_PREFIX   "ipwarden-addresses-"
#define DAY_APP	     "ipwarden"
#define DAY_TYPE     "address-history"
#define DAY_SELECTOR "app=" DAY_APP ",type=" DAY_TYPE

/* Parts of one day: 8 MiB. */
#define DAY_PARTS_MAX 64u
/* Stays of one address that a day has; of more the oldest go. */
#define DAY_STAYS_MAX 200u
/* A longer silence is a gap (ms). */
#define DAY_GAP_MS 600000
/* Name of a part, and YYYYMMDD (bytes, NUL included). */
#define DAY_NAME_MAX 64u
#define DAY_DATE_MAX 9u

/* The key of an address: ':' is written '_'. */
void day_key(const char *address, char *out, size_t out_size);
/* YYYYMMDD of UTC. */
void day_date(struct wall_time time, char *out, size_t out_size);
/* Of the part with that number, from 0 on. */
void day_part_name(const char *date, size_t index, char *out, size_t out_size);

/* --- a day that is being written ---------------------------------------------------
 */

/* Addresses of one day that are written; of more nothing is known. */
#define DAY_ADDRESSES_MAX 16384u
/* A stay that goes on is written again after that (ms). */
#define DAY_EXTEND_MS 300000

struct day *day_new(const char *date);
void day_free(struct day *day);
const char *day_name(const struct day *day);

/* The cloud said at `seen->until` that the address is there; since `seen->from` when
 * ipwarden has brought it there, else `from` is the same. False: it is one address too
 * many. */
bool day_see(struct day *day, const char *address, const struct stay *seen);
/* The last stay of an address, borrowed until it is seen again; NULL: none is known. */
const struct stay *day_last(const struct day *day, const char *address);
/* The address stayed where it was until then. */
void day_extend(struct day *day, const char *address, struct wall_time until);

/* Whether something is new, or goes on since DAY_EXTEND_MS. */
bool day_is_due(const struct day *day);
/* Whether nothing is, and nothing has gone on. */
bool day_is_written(const struct day *day);
/* Brings the ConfigMaps up to date: stays that go on from what is there extend it, the
 * others are added. Lines of our keys that are no stays go, other keys stay. Returns
 * how many addresses had no place. */
size_t day_fill(struct day *day, struct parts *parts);
/* What day_fill made is written. */
void day_written(struct day *day);

#endif
