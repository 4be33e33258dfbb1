/*
 * wetread-demo: the invented night as a program.
 *
 *     wetread-demo print                           the opening's messages on standard output
 *     wetread-demo night --to 127.0.0.1:2575       sends them
 *     wetread-demo traffic --to ...                ... and goes on with the night until it is stopped
 *     wetread-demo load --to ... --senders 16      many orders: how fast does the other end commit?
 */
#include "config.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/demo.h"
#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/when.h"

static volatile sig_atomic_t stop; /* set by a signal */

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

struct options {
	const char *what, *to, *sites, *acked;
	unsigned senders, per_hour;
	double rate;
	uint64_t count, first, seed;
	int64_t patience;
	bool json, fresh, ready;
};

struct run {
	const struct options *opt;
	struct night *night;
	uint64_t next; /* load: the next order's number */
	bool opened;
};

static enum feed_next next_load(void *ctx, struct demo_message *m)
{
	struct run *r = ctx;

	if (r->next - r->opt->first >= r->opt->count)
		return FEED_END;
	night_load(r->night, r->next++, env_now(&env_system), r->opt->ready, m);
	return FEED_SEND;
}

static enum feed_next next_opening(void *ctx, struct demo_message *m)
{
	struct run *r = ctx;

	return night_opening(r->night, m) ? FEED_SEND : FEED_END;
}

static enum feed_next next_traffic(void *ctx, struct demo_message *m)
{
	struct run *r = ctx;

	if (!r->opened && !r->opt->fresh && night_opening(r->night, m))
		return FEED_SEND;
	if (!r->opened && !r->opt->fresh)
		log_info("the opening is sent; the night goes on with %u orders an hour", r->opt->per_hour);
	r->opened = true;
	return night_live(r->night, env_now(&env_system), r->opt->per_hour, m) ? FEED_SEND : FEED_WAIT;
}

static int print_opening(struct night *night)
{
	struct demo_message m = {.text = BUF_INIT(DEMO_MESSAGE_MAX)};

	while (night_opening(night, &m)) {
		for (size_t i = 0; i < m.text.len; i++)
			putchar(m.text.data[i] == '\r' ? '\n' : m.text.data[i]);
		putchar('\n');
		buf_clear(&m.text);
	}
	buf_release(&m.text);
	return fflush(stdout) == 0 ? 0 : E_IO;
}

static void report(const struct options *opt, const struct feed_report *r)
{
	static const char *const line[] = {
	    "sent %llu, accepted %llu, errors %llu, rejected %llu, strange %llu, connections lost %llu; %.2f "
	    "s, %.1f "
	    "acknowledged a second; ms to the answer p50 %.2f p95 %.2f p99 %.2f max %.2f\n",
	    "{\"sent\":%llu,\"accepted\":%llu,\"errors\":%llu,\"rejected\":%llu,\"strange\":%llu,\"lost\":%"
	    "llu,"
	    "\"seconds\":%.3f,\"rate\":%.1f,\"p50\":%.3f,\"p95\":%.3f,\"p99\":%.3f,\"max\":%.3f}\n",
	};
	uint64_t answered = r->accepted + r->errors + r->rejected + r->strange;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	printf(line[opt->json], (unsigned long long)r->sent, (unsigned long long)r->accepted,
	    (unsigned long long)r->errors, (unsigned long long)r->rejected, (unsigned long long)r->strange,
	    (unsigned long long)r->lost, r->seconds, r->seconds > 0 ? (double)answered / r->seconds : 0,
	    r->p50, r->p95, r->p99, r->max);
#pragma GCC diagnostic pop
	fflush(stdout);
}

static int feed(const struct options *opt, struct night *night)
{
	static const struct {
		const char *what;
		feed_source *source;
	} sources[] = {{"night", next_opening}, {"traffic", next_traffic}, {"load", next_load}};
	struct run run = {.opt = opt, .night = night, .next = opt->first};
	const char *colon = opt->to ? strrchr(opt->to, ':') : NULL;
	feed_source *source = NULL;
	char *why = NULL;

	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++)
		if (strcmp(opt->what, sources[i].what) == 0)
			source = sources[i].source;
	if (!source || !colon) {
		log_err(
		    source ? "--to ADDRESS:PORT is needed" : "'%s' is not one of print, night, traffic, load",
		    opt->what);
		return E_USAGE;
	}
	char *host = xstrndup(opt->to, (size_t)(colon - opt->to));
	FILE *acked = opt->acked ? fopen(opt->acked, "a") : NULL;
	if (acked)
		setvbuf(acked, NULL, _IOLBF, 0);
	struct feed_options feed = {.host = host,
	    .port = colon + 1,
	    .senders = opt->senders,
	    .rate = opt->rate,
	    .patience = opt->patience,
	    .stop = &stop,
	    .acked = acked};
	struct feed_report r;
	int err = feed_run(&feed, source, &run, &r, &why);
	report(opt, &r);
	if (r.first_refusal[0])
		log_warn("the first refusal: %s", r.first_refusal);
	if (err)
		log_err("%s", why ? why : err_text(err));
	if (acked)
		fclose(acked);
	free(why);
	free(host);
	return err ? err : r.errors + r.rejected + r.strange ? E_LIMIT : 0;
}

static const struct option words[] = {{"to", required_argument, NULL, 't'},
    {"sites", required_argument, NULL, 'c'}, {"senders", required_argument, NULL, 'n'},
    {"rate", required_argument, NULL, 'r'}, {"count", required_argument, NULL, 'k'},
    {"first", required_argument, NULL, 'f'}, {"seed", required_argument, NULL, 's'},
    {"per-hour", required_argument, NULL, 'h'}, {"patience", required_argument, NULL, 'p'},
    {"acked", required_argument, NULL, 'a'}, {"json", no_argument, NULL, 'j'},
    {"fresh", no_argument, NULL, 'F'}, {"ready", no_argument, NULL, 'R'}, {"help", no_argument, NULL, '?'},
    {NULL, 0, NULL, 0}};

static const char usage[] =
    "usage: wetread-demo print|night|traffic|load --to ADDRESS:PORT [options]\n"
    "  --sites FILE     the cast (default " WETREAD_DATADIR "/demo/sites.ini)\n"
    "  --senders N      connections, each with one message outstanding (1)\n"
    "  --rate R         messages a second in all (0: as fast as they are acknowledged)\n"
    "  --count N        load: how many orders (1000)      --first N  number of the first (0)\n"
    "  --ready          load: orders whose images are complete, so that they may be read\n"
    "  --per-hour N     traffic: new orders an hour (90)  --fresh    traffic without the opening\n"
    "  --seed N         another seed, another night (1)\n"
    "  --patience TIME  how long to wait for a connection or an answer (30s)\n"
    "  --acked FILE     appends the MSH-10 of every message that was acknowledged\n"
    "  --json           the report as JSON\n";

static int parse(struct options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "", words, NULL)) != -1) {
		switch (c) {
		case 't':
			o->to = optarg;
			break;
		case 'c':
			o->sites = optarg;
			break;
		case 'n':
			o->senders = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'r':
			o->rate = strtod(optarg, NULL);
			break;
		case 'k':
			o->count = strtoull(optarg, NULL, 10);
			break;
		case 'f':
			o->first = strtoull(optarg, NULL, 10);
			break;
		case 's':
			o->seed = strtoull(optarg, NULL, 10);
			break;
		case 'h':
			o->per_hour = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'p':
			if (span_parse(optarg, &o->patience) < 0)
				return E_USAGE;
			break;
		case 'a':
			o->acked = optarg;
			break;
		case 'j':
			o->json = true;
			break;
		case 'F':
			o->fresh = true;
			break;
		case 'R':
			o->ready = true;
			break;
		default:
			return E_USAGE;
		}
	}
	o->what = optind == argc - 1 ? argv[optind] : NULL;
	return o->what ? 0 : E_USAGE;
}

int main(int argc, char **argv)
{
	struct options opt = {.sites = WETREAD_DATADIR "/demo/sites.ini",
	    .senders = 1,
	    .count = 1000,
	    .seed = 1,
	    .per_hour = 90,
	    .patience = 30000};
	struct cast *cast;
	char *why = NULL;

	log_open("wetread-demo", LOG_INFO);
	if (parse(&opt, argc, argv) < 0) {
		fputs(usage, stderr);
		return err_exit(E_USAGE);
	}
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	int err = cast_open(&cast, opt.sites, &why);
	if (err) {
		log_err("%s", why);
		free(why);
		return err_exit(err);
	}
	struct night *night = night_new(cast, opt.seed, env_now(&env_system));
	err = strcmp(opt.what, "print") == 0 ? print_opening(night) : feed(&opt, night);
	night_free(night);
	cast_close(cast);
	return err ? err_exit(err) : 0;
}
