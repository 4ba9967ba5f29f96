/* Where the addresses were on one day of UTC, in ConfigMaps
 * ipwarden-addresses-YYYYMMDD, -p2, -p3 … of at most DAY_PART_MAX bytes each: one key
 * an address, its value a line a stay (stay.h), in order of time.
 *
 * At a time that no stay covers it is not known where the address was. A stay lasts
 * while the cloud is seen to say the same, and who goes on after a gap of less than
 * DAY_GAP_MS, such as another leader, takes the same answer for the same stay: a move
 * away and back within that gap is not seen. At midnight a stay ends with the day, and
 * begins again in the next one. Pure: ConfigMaps in, ConfigMaps out. */
#ifndef IPW_FOOTPRINT_DAY_H
#define IPW_FOOTPRINT_DAY_H

#include <stddef.h>

#include "stay.h"

struct json_object;

#define DAY_PREFIX   "ipwarden-addresses-"
#define DAY_SELECTOR "app=ipwarden,type=address-history"

/* Keys and values of one ConfigMap (bytes), as of an hour's. */
#define DAY_PART_MAX (128u * 1024u)
/* Parts of one day: 8 MiB. */
#define DAY_PARTS_MAX 64u
/* Stays of one address that a day has; of more the oldest go. */
#define DAY_STAYS_MAX 200u
/* A longer silence is a gap (ms). */
#define DAY_GAP_MS 600000
/* Name of a part, and YYYYMMDD (bytes, NUL included). */
#define DAY_NAME_MAX 48u
#define DAY_DATE_MAX 9u

/* The key of an address: ':' is written '_'. */
void day_key(const char *address, char *out, size_t out_size);
/* YYYYMMDD of UTC. */
void day_date(struct wall_time time, char *out, size_t out_size);
/* Of the part with that number, from 0 on. */
void day_part_name(const char *date, size_t index, char *out, size_t out_size);

#endif
