/* notify - one notification at a time, replaced and not stacked; glib's loop, since libnotify's answers come by it. */
#include "config.h"

#include "wetread/notify.h"

#include <libnotify/notify.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "wetread/buf.h"
#include "wetread/json.h"
#include "wetread/text.h"

enum { LINE_MAX_BYTES = 8192 };

struct desk {
	GMainLoop *loop;
	NotifyNotification *shown; /* NULL: none yet */
	int64_t study, rev;        /* what it is about; 0: nothing in particular */
	struct buf in;
	int from, to;
	bool has_actions;
};

static void tell(struct desk *d, const char *key, const char *value)
{
	struct buf out = BUF_INIT(1024);

	json_open(&out, '{');
	json_kstr(&out, key, value);
	json_kint(&out, "study", d->study);
	json_kint(&out, "rev", d->rev);
	json_close(&out, '}');
	buf_addc(&out, '\n');
	if (write(d->to, out.data, out.len) < 0)
		g_main_loop_quit(d->loop);
	buf_release(&out);
}

static void on_action(NotifyNotification *n, char *action, gpointer ctx)
{
	struct desk *d = ctx;

	(void)n;
	tell(d, "action", strcmp(action, "claim") == 0 ? "claim" : "open");
}

static bool can_act(void)
{
	GList *caps = notify_get_server_caps();
	bool can = g_list_find_custom(caps, "actions", (GCompareFunc)(void (*)(void))strcmp) != NULL;

	g_list_free_full(caps, g_free);
	return can;
}

static NotifyUrgency urgency_of(const char *word)
{
	return strcmp(word, "critical") == 0 ? NOTIFY_URGENCY_CRITICAL
	       : strcmp(word, "low") == 0    ? NOTIFY_URGENCY_LOW
	                                     : NOTIFY_URGENCY_NORMAL;
}

/* The body may be read as markup by some daemons. */
static void show(struct desk *d, const struct cJSON *doc)
{
	char *clean = text_clean_dup(json_get_str(doc, "text", ""));
	char *body = g_markup_escape_text(clean, -1);
	GError *err = NULL;

	d->study = json_get_int(doc, "study", 0);
	d->rev = json_get_int(doc, "rev", 0);
	if (!d->shown)
		d->shown = notify_notification_new("wetread", body, NULL);
	else
		notify_notification_update(d->shown, "wetread", body, NULL);
	notify_notification_set_urgency(d->shown, urgency_of(json_get_str(doc, "urgency", "")));
	notify_notification_clear_actions(d->shown);
	if (d->has_actions && d->study) {
		notify_notification_add_action(d->shown, "default", "Open", on_action, d, NULL);
		notify_notification_add_action(d->shown, "open", "Open", on_action, d, NULL);
		if (json_get_bool(doc, "claim", false))
			notify_notification_add_action(d->shown, "claim", "Claim", on_action, d, NULL);
	}
	if (!notify_notification_show(d->shown, &err)) {
		tell(d, "trouble", err ? err->message : "no notification daemon answers");
		g_clear_error(&err);
	}
	g_free(body);
	free(clean);
}

static void lines_take(struct desk *d)
{
	char *end;

	while (d->in.len && (end = memchr(d->in.data, '\n', d->in.len)) != NULL) {
		size_t n = (size_t)(end - d->in.data);
		struct cJSON *doc = json_parse(d->in.data, n);

		if (doc)
			show(d, doc);
		cJSON_Delete(doc);
		buf_drop(&d->in, n + 1);
	}
}

static gboolean on_input(GIOChannel *channel, GIOCondition what, gpointer ctx)
{
	struct desk *d = ctx;
	char bytes[1024];
	ssize_t n = read(d->from, bytes, sizeof bytes);

	(void)channel;
	(void)what;
	if (n <= 0 || buf_add(&d->in, bytes, (size_t)n) < 0) {
		g_main_loop_quit(d->loop);
		return FALSE;
	}
	lines_take(d);
	return TRUE;
}

int notify_run(int in, int out)
{
	struct desk d = {.from = in, .to = out, .in = BUF_INIT(LINE_MAX_BYTES)};
	GIOChannel *channel;

	if (!notify_init("wetread"))
		return 1;
	d.loop = g_main_loop_new(NULL, FALSE);
	d.has_actions = can_act();
	channel = g_io_channel_unix_new(in);
	g_io_add_watch(channel, G_IO_IN | G_IO_HUP | G_IO_ERR, on_input, &d);
	g_main_loop_run(d.loop);
	if (d.shown) {
		notify_notification_close(d.shown, NULL);
		g_object_unref(d.shown);
	}
	g_io_channel_unref(channel);
	g_main_loop_unref(d.loop);
	notify_uninit();
	buf_release(&d.in);
	return 0;
}
