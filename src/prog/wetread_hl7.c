/*
 * wetread-hl7 - the HL7 listener, as a program.  wetreadd starts it; --check lets a person try a senders' file.
 */
#include "config.h"

#include "adapter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "wetread/config.h"
#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/hl7_profile.h"
#include "wetread/intake.h"
#include "wetread/log.h"

/* What comes from the network can't make it larger than this, open more than this, or gain any right. */
static int confine(const struct hl7_server *s)
{
	const struct {
		int resource;
		rlim_t most;
	} limits[] = {
#if !defined(__SANITIZE_ADDRESS__)
		{RLIMIT_AS, (rlim_t)512 << 20},
#endif
		{RLIMIT_NOFILE, 256},
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		rlim_t most = limits[i].most;
		struct rlimit r;

		if (limits[i].resource == RLIMIT_AS)
			most += (rlim_t)s->max_frame * 24; /* four large frames, and one of them decoded */
		r = (struct rlimit){most, most};
		if (setrlimit(limits[i].resource, &r) < 0)
			return E_IO;
	}
	return adapter_confine();
}

static int run(const struct adapter *a, struct intake_options *in, char host[64])
{
	struct hl7_profiles *profiles;
	char *why = NULL;
	int err = intake_profiles(a->config, &profiles, &why);

	if (err) {
		fprintf(stderr, "%s: %s\n", a->name, why);
		free(why);
		return err_exit(E_USAGE);
	}
	if (a->check) {
		printf("%s: %zu senders\n", a->config, profiles->n - 1);
		hl7_profiles_free(profiles);
		return 0;
	}
	log_open(a->name, a->verbose ? LOG_DEBUG : LOG_INFO);
	if (confine(&profiles->server) < 0) {
		log_err("the process can't be confined");
		hl7_profiles_free(profiles);
		return err_exit(E_IO);
	}
	in->core_fd = a->core_fd;
	in->config = a->config;
	in->spool = a->folder;
	in->host = host;
	in->env = &env_system;
	err = intake_run(in, profiles);
	return err ? err_exit(err) : 0;
}

int main(int argc, char **argv)
{
	struct adapter a = {.name = "wetread-hl7", .option = "spool"};
	struct intake_options in = {0};
	char host[64] = "";
	int rc = adapter_args(&a, argc, argv);

	if (!rc && a.listen && addr_parse(a.listen, host, &in.port) < 0)
		rc = adapter_misuse(&a, "--listen is not ADDR:PORT with a numeric address");
	return rc ? rc : run(&a, &in, host);
}
