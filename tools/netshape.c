/*
 * netshape - a slow link between two network namespaces, for measuring; needs root.
 *
 *     netshape --rate 256 --rtt 100 -- COMMAND...
 *
 * makes the namespaces wetread-s-PID (server, 10.91.0.1) and wetread-c-PID (client, 10.91.0.2), joins them by two
 * TUN devices, and runs COMMAND outside of them with
 *
 *     NETSHAPE_S, NETSHAPE_C    nsenter --net=... : what to put before a server's or client's command line
 *     NETSHAPE_ADDR             10.91.0.1
 *     NETSHAPE_COUNT            a file for `netshape --count FILE`, which prints
 *                               down_bytes down_packets down_drops up_bytes up_packets up_drops
 *
 * down is to the client.  Bytes are IP bytes as delivered, without any link layer.  It exits with COMMAND's status
 * and takes both namespaces with it.
 *
 * Each direction is a drop-tail queue in front of a serialiser (--rate kbit/s, 0: none) and a line
 * that delays each packet by half of --rtt.  The kernel's netem would do the same where it is built in.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MTU = 1500, LINE_MAX_PACKETS = 65536, BURST = 64 };
enum { BYTES, PACKETS, DROPS, COUNTERS };

struct packet {
	struct packet *next;
	uint64_t leaves; /* ns */
	size_t len;
	unsigned char data[];
};
struct direction {
	int in, out;
	uint64_t delay, rate, queue; /* ns; bit/s, 0: as fast as it comes; bytes */
	uint64_t busy_until;
	struct packet *first, **last;
	unsigned waiting;
	volatile uint64_t *count;
};
struct end {
	char name[40], path[64];
	int tun;
	bool mounted;
};

static uint64_t nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int complain(const char *what)
{
	fprintf(stderr, "netshape: %s: %s\n", what, strerror(errno));
	return -1;
}

static void set_sysctl(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	/* A kernel without IPv6, or that does not let us choose the algorithm, is fine. */
	if (fd >= 0 && write(fd, value, strlen(value)) < 0)
		errno = 0;
	if (fd >= 0)
		close(fd);
}

static int up(int sock, const char *device, const char *address)
{
	struct ifreq r = {0};
	struct sockaddr_in *sin = (struct sockaddr_in *)&r.ifr_addr;

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", device);
	if (address) {
		sin->sin_family = AF_INET;
		inet_pton(AF_INET, address, &sin->sin_addr);
		if (ioctl(sock, SIOCSIFADDR, &r) < 0)
			return complain("setting the address");
		inet_pton(AF_INET, "255.255.255.252", &sin->sin_addr);
		if (ioctl(sock, SIOCSIFNETMASK, &r) < 0)
			return complain("setting the netmask");
		r.ifr_mtu = MTU;
		if (ioctl(sock, SIOCSIFMTU, &r) < 0)
			return complain("setting the MTU");
	}
	if (ioctl(sock, SIOCGIFFLAGS, &r) < 0)
		return complain("reading the flags");
	r.ifr_flags = (short)(r.ifr_flags | IFF_UP | IFF_RUNNING);
	return ioctl(sock, SIOCSIFFLAGS, &r) < 0 ? complain("bringing the device up") : 0;
}

static int open_tun(const char *device)
{
	struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return complain("/dev/net/tun");
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", device);
	if (ioctl(fd, TUNSETIFF, &r) < 0) {
		close(fd);
		return complain("TUNSETIFF");
	}
	return fd;
}

/* Moves this process into a new namespace, gives it a name and a device. */
static int make_end(struct end *e, char side, const char *address)
{
	snprintf(e->name, sizeof(e->name), "wetread-%c-%d", side, (int)getpid());
	snprintf(e->path, sizeof(e->path), "/run/netns/%s", e->name);
	e->tun = -1;
	mkdir("/run/netns", 0755);
	int fd = open(e->path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (fd < 0)
		return complain(e->path);
	close(fd);
	if (unshare(CLONE_NEWNET) < 0)
		return complain("a network namespace (are you root?)");
	if (mount("/proc/self/ns/net", e->path, NULL, MS_BIND, NULL) < 0)
		return complain("naming the namespace");
	e->mounted = true;
	set_sysctl("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	set_sysctl("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	set_sysctl("/proc/sys/net/ipv4/tcp_congestion_control", "cubic");
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return complain("socket");
	e->tun = open_tun("link0");
	int err = e->tun < 0 || up(sock, "lo", NULL) < 0 || up(sock, "link0", address) < 0 ? -1 : 0;
	close(sock);
	return err;
}

static void remove_end(struct end *e)
{
	if (e->tun >= 0)
		close(e->tun);
	if (e->mounted)
		umount2(e->path, MNT_DETACH);
	if (e->path[0])
		unlink(e->path);
}

static void drop(struct direction *d)
{
	d->count[DROPS]++;
}

/* When a packet that comes now will have left the serialiser; 0: the queue is full. */
static uint64_t serialise(struct direction *d, uint64_t now, size_t len)
{
	uint64_t start = d->busy_until > now ? d->busy_until : now;

	if (!d->rate)
		return now;
	if ((start - now) * d->rate / 8000000000u + len > d->queue)
		return 0;
	d->busy_until = start + len * 8000000000u / d->rate;
	return d->busy_until;
}

static void take(struct direction *d)
{
	unsigned char data[MTU + 100];

	for (int i = 0; i < BURST; i++) {
		ssize_t n = read(d->in, data, sizeof(data));
		if (n <= 0)
			return;
		uint64_t leaves = serialise(d, nanoseconds(), (size_t)n);
		struct packet *p =
		    leaves && d->waiting < LINE_MAX_PACKETS ? malloc(sizeof(*p) + (size_t)n) : NULL;
		if (!p) {
			drop(d);
			continue;
		}
		*p = (struct packet){.leaves = leaves + d->delay, .len = (size_t)n};
		memcpy(p->data, data, (size_t)n);
		*d->last = p;
		d->last = &p->next;
		d->waiting++;
	}
}

static void give(struct direction *d)
{
	while (d->first && d->first->leaves <= nanoseconds()) {
		struct packet *p = d->first;

		if (write(d->out, p->data, p->len) < 0) {
			if (errno == EAGAIN)
				return;
			drop(d);
		} else {
			d->count[BYTES] += p->len;
			d->count[PACKETS]++;
		}
		d->first = p->next;
		if (!d->first)
			d->last = &d->first;
		d->waiting--;
		free(p);
	}
}

static void forget(struct direction *d)
{
	while (d->first) {
		struct packet *p = d->first;

		d->first = p->next;
		free(p);
	}
}

static struct timespec until_next(const struct direction *d)
{
	uint64_t now = nanoseconds(), next = now + 1000000000u;

	for (int i = 0; i < 2; i++)
		if (d[i].first && d[i].first->leaves < next)
			next = d[i].first->leaves;
	uint64_t wait = next > now ? next - now : 0;
	return (struct timespec){
	    .tv_sec = (time_t)(wait / 1000000000u), .tv_nsec = (long)(wait % 1000000000u)};
}

/* Carries packets until the command has ended; a signal to us is handed on to it. Returns its status. */
static int carry(struct direction d[2], int signals, pid_t child)
{
	for (;;) {
		struct pollfd p[3] = {{d[0].in, POLLIN, 0}, {d[1].in, POLLIN, 0}, {signals, POLLIN, 0}};
		struct signalfd_siginfo info;
		int status;

		give(&d[0]);
		give(&d[1]);
		struct timespec wait = until_next(d);
		if (ppoll(p, 3, &wait, NULL) < 0 && errno != EINTR)
			return complain("poll"), 1;
		if (p[0].revents)
			take(&d[0]);
		if (p[1].revents)
			take(&d[1]);
		if (p[2].revents && read(signals, &info, sizeof(info)) == sizeof(info) &&
		    info.ssi_signo != SIGCHLD)
			kill(child, (int)info.ssi_signo);
		if (p[2].revents && waitpid(child, &status, WNOHANG) == child)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

static pid_t start(char **command, const struct end *s, const struct end *c, const char *counters, int home)
{
	char enter[96];
	pid_t pid = fork();

	if (pid)
		return pid;
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (setns(home, CLONE_NEWNET) < 0)
		_exit(127);
	snprintf(enter, sizeof(enter), "nsenter --net=%s", s->path);
	setenv("NETSHAPE_S", enter, 1);
	snprintf(enter, sizeof(enter), "nsenter --net=%s", c->path);
	setenv("NETSHAPE_C", enter, 1);
	setenv("NETSHAPE_ADDR", "10.91.0.1", 1);
	setenv("NETSHAPE_COUNT", counters, 1);
	execvp(command[0], command);
	fprintf(stderr, "netshape: %s: %s\n", command[0], strerror(errno));
	_exit(127);
}

static volatile uint64_t *map_counters(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);
	size_t size = sizeof(uint64_t[2 * COUNTERS]);

	if (fd < 0 || ((flags & O_CREAT) && ftruncate(fd, (off_t)size) < 0)) {
		complain(path);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	void *p = mmap(NULL, size, flags & O_CREAT ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

static int print_counters(const char *path)
{
	volatile uint64_t *c = map_counters(path, O_RDONLY);

	if (!c)
		return 1;
	for (int i = 0; i < 2 * COUNTERS; i++)
		printf("%llu%c", (unsigned long long)c[i], i < 2 * COUNTERS - 1 ? ' ' : '\n');
	return 0;
}

static int run(uint64_t rate, uint64_t rtt_us, uint64_t queue, char **command)
{
	struct end s = {.tun = -1}, c = {.tun = -1};
	char counters[64];
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), status = 1;
	sigset_t set;

	snprintf(counters, sizeof(counters), "/tmp/wetread-netshape-%d", (int)getpid());
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	volatile uint64_t *count = map_counters(counters, O_RDWR | O_CREAT | O_EXCL);
	if (home < 0 || signals < 0 || !count || make_end(&s, 's', "10.91.0.1") < 0 ||
	    make_end(&c, 'c', "10.91.0.2") < 0)
		goto undo;
	prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
	struct direction d[2] = {
	    {.in = s.tun, .out = c.tun, .delay = rtt_us * 500, .rate = rate, .queue = queue, .count = count},
	    {.in = c.tun,
	        .out = s.tun,
	        .delay = rtt_us * 500,
	        .rate = rate,
	        .queue = queue,
	        .count = count + COUNTERS},
	};
	d[0].last = &d[0].first;
	d[1].last = &d[1].first;
	pid_t child = start(command, &s, &c, counters, home);
	status = child < 0 ? 1 : carry(d, signals, child);
	forget(&d[0]);
	forget(&d[1]);
undo:
	remove_end(&s);
	remove_end(&c);
	unlink(counters);
	return status;
}

int main(int argc, char **argv)
{
	static const struct option words[] = {{"rate", required_argument, NULL, 'r'},
	    {"rtt", required_argument, NULL, 'd'}, {"queue", required_argument, NULL, 'q'},
	    {"count", required_argument, NULL, 'c'}, {NULL, 0, NULL, 0}};
	uint64_t rate = 0, queue = 32768;
	double rtt = 0;
	int o;

	while ((o = getopt_long(argc, argv, "+", words, NULL)) != -1) {
		if (o == 'r')
			rate = (uint64_t)(strtod(optarg, NULL) * 1000);
		else if (o == 'd')
			rtt = strtod(optarg, NULL);
		else if (o == 'q')
			queue = strtoull(optarg, NULL, 10);
		else if (o == 'c')
			return print_counters(optarg);
		else
			return 2;
	}
	if (optind >= argc) {
		fputs("usage: netshape [--rate KBIT] [--rtt MS] [--queue BYTES] -- COMMAND...\n"
		      "       netshape --count FILE\n",
		    stderr);
		return 2;
	}
	return run(rate, (uint64_t)(rtt * 1000), queue, argv + optind);
}
