/*
 * wetread-dicom - the image intake, as a program.  wetreadd starts it; --check lets a person try a configuration.
 */
#include "config.h"

#include "adapter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/scp.h"
#include "wetread/text.h"

static int check(const char *config)
{
	unsigned peers;
	char *why = NULL;
	int err = scp_check(config, &peers, &why);

	if (err) {
		fprintf(stderr, "wetread-dicom: %s\n", why ? why : err_text(err));
		free(why);
		return err_exit(E_USAGE);
	}
	printf("%s: %u senders\n", config, peers);
	return 0;
}

/* wetread-preview lies where the other programs do. */
static char *beside_us(void)
{
	const char *told = getenv("WETREAD_LIBEXECDIR");
	char *path = xasprintf("%s/wetread-preview", str_empty(told) ? WETREAD_LIBEXECDIR : told);

	if (access(path, X_OK) < 0)
		log_warn("%s: %s: no small pictures are made", path, strerror(errno));
	return path;
}

static int run(const struct adapter *a)
{
	struct scp_options opt = {.core_fd = a->core_fd,
	    .listen = a->listen,
	    .config = a->config,
	    .store = a->folder,
	    .env = &env_system};
	char *preview;
	int err;

	log_open(a->name, a->verbose ? LOG_DEBUG : LOG_INFO);
	if (adapter_confine() < 0) {
		log_err("the process can't be confined");
		return err_exit(E_IO);
	}
	opt.preview = preview = beside_us();
	err = scp_run(&opt);
	free(preview);
	return err ? err_exit(err) : 0;
}

int main(int argc, char **argv)
{
	struct adapter a = {.name = "wetread-dicom", .option = "store"};
	int rc = adapter_args(&a, argc, argv);

	if (rc)
		return rc;
	return a.check ? check(a.config) : run(&a);
}
