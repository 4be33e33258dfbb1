/* The way to the coordinator: by the person's own agent, when one runs for that coordinator; else directly. */
#include "config.h"

#include "wetread/settings.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "wetread/mem.h"

enum { FOR_MAX = 4096 };

char *settings_agent_path(const char *name)
{
	const char *run = getenv("XDG_RUNTIME_DIR");

	return run && *run == '/' ? xasprintf("%s/wetread/%s", run, name) : settings_state_path(name);
}

static bool listens(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd;
	bool yes;

	if (strlen(path) >= sizeof a.sun_path)
		return false;
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	yes = fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
	if (fd >= 0)
		close(fd);
	return yes;
}

/* One line: the coordinator as the agent was told it. */
static char *agent_for(void)
{
	char *path = settings_agent_path("sync.for"), line[FOR_MAX];
	FILE *f = path ? fopen(path, "re") : NULL;
	char *found = NULL;

	if (f && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		found = xstrdup(line);
	}
	if (f)
		fclose(f);
	free(path);
	return found;
}

char *settings_coordinator(const struct settings *s)
{
	const char *wanted = settings_str(s, SETTING_coordinator);

	return wanted ? xstrdup(wanted) : agent_for();
}

char *settings_target(const struct settings *s)
{
	const char *wanted = settings_str(s, SETTING_coordinator);
	char *path, *whose, *target = NULL;

	if (wanted && !strcmp(s->origin[SETTING_coordinator], "option"))
		return xstrdup(wanted);
	path = settings_agent_path("sync.sock");
	whose = agent_for();
	if (path && whose && (!wanted || !strcmp(whose, wanted)) && listens(path))
		target = xasprintf("unix:%s", path);
	free(whose);
	free(path);
	return target ? target : xstrdup(wanted);
}
