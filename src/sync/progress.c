/*
 * Pictures and images in `wetread-sync status`:
 *
 *     pictures     11 of 14 studies ready
 *     images       512 of 1840 ready, 268 of 967 MB, 236 kbit/s, 1h12m left
 *     48011930     512 of 520 images, 268 of 273 MB
 */
#include "config.h"

#include "sync_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "wetread/json.h"
#include "wetread/text.h"
#include "wetread/when.h"

enum { MB = 1000000, ROWS = 20 };

static void put_megabytes(const cJSON *o, const char *here, const char *all)
{
	printf(
	    ", %.1f of %.1f MB", (double)json_get_int(o, here, 0) / MB, (double)json_get_int(o, all, 0) / MB);
}

static void put_speed(const cJSON *images)
{
	int64_t speed = json_get_int(images, "bits_per_s", 0), left = json_get_int(images, "left_ms", 0);
	char text[24];

	if (speed)
		printf(", %" PRId64 " kbit/s", speed / 1000);
	if (speed && left)
		printf(", %s left", span_text((left + 999) / 1000 * 1000, text));
}

static void put_study(const cJSON *o)
{
	char *accession = text_clean_dup(json_get_str(o, "accession", "-"));

	printf("  %-16s %" PRId64 " of %" PRId64 " images", accession, json_get_int(o, "here", 0),
	    json_get_int(o, "images", 0));
	if (json_get_int(o, "bytes", 0))
		put_megabytes(o, "bytes_here", "bytes");
	puts(json_get_bool(o, "full", false) ? ", no room for more" : "");
	free(accession);
}

void put_images(const cJSON *images)
{
	const cJSON *o, *studies = json_get(images, "studies");
	const char *held = json_get_str(images, "held", NULL);
	int rows = 0;

	if (!json_get_int(images, "pictures_wanted", 0))
		return;
	printf("pictures     %" PRId64 " of %" PRId64 " studies ready\n",
	    json_get_int(images, "pictures_ready", 0), json_get_int(images, "pictures_wanted", 0));
	printf("images       %" PRId64 " of %" PRId64 " ready", json_get_int(images, "ready", 0),
	    json_get_int(images, "wanted", 0));
	put_megabytes(images, "bytes_ready", "bytes_wanted");
	put_speed(images);
	putchar('\n');
	if (held)
		printf("held         %s\n", held);
	cJSON_ArrayForEach(o, studies)
	{
		if (json_get_int(o, "images", 0) && rows++ < ROWS)
			put_study(o);
	}
}
