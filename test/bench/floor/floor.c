/*
 * floor: the least that a push server can do, to measure others against.
 *
 * One thread, one epoll, and for each message one write() a subscriber of bytes that are encoded once. It has no credentials, no history,
 * no queues: a subscriber that cannot take a message at once is closed. It speaks as much HTTP/1.1 as the generator in cmd/halley/bench
 * does, which sends nothing else: a GET with an upgrade subscribes, a POST publishes its body; the number at the end of the path names
 * the channel.
 *
 * usage: floor PORT (on 127.0.0.1)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MAX_CHANNELS = 10000,
	MAX_REQUEST = 512 << 10, /* bytes */
	MAX_EVENTS = 512,
	LISTENER = -1, /* what epoll calls the listening socket */
};

/* channel is the sockets that follow it. */
struct channel {
	int *sockets;
	int count, room;
};

/* connection follows a channel, or has sent so much of a request. */
struct connection {
	struct channel *follows;
	char *bytes; /* NULL for a subscriber */
	size_t length, room;
};

static struct channel channels[MAX_CHANNELS];
static struct connection *connections; /* by descriptor */
static int poller;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void *must(void *memory)
{
	if (!memory)
		die("memory");
	return memory;
}

/* leave takes a subscriber off its channel: the next connection may have the same number. */
static void leave(int fd)
{
	struct channel *c = connections[fd].follows;
	for (int i = 0; c && i < c->count; i++)
		if (c->sockets[i] == fd)
			c->sockets[i--] = c->sockets[--c->count];
}

static void drop(int fd)
{
	leave(fd);
	free(connections[fd].bytes);
	memset(&connections[fd], 0, sizeof connections[fd]);
	close(fd);
}

static void subscribe(int fd, struct channel *c)
{
	/* The key of the generator is always the same, and so is the answer to it: RFC 6455, section 4.2.2. */
	static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
				     "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n";
	if (c->count == c->room) {
		c->room = c->room ? 2 * c->room : 16;
		c->sockets = must(realloc(c->sockets, (size_t)c->room * sizeof *c->sockets));
	}
	c->sockets[c->count++] = fd;
	free(connections[fd].bytes);
	connections[fd] = (struct connection){.follows = c};
	if (write(fd, answer, sizeof answer - 1) != (ssize_t)(sizeof answer - 1))
		drop(fd);
}

/* frame encodes a text message of a server: RFC 6455, section 5.2. It returns its length. */
static size_t frame(char *out, const char *body, size_t length)
{
	size_t header = 2;
	out[0] = (char)0x81;
	if (length < 126) {
		out[1] = (char)length;
	} else if (length < 65536) {
		out[1] = 126;
		out[2] = (char)(length >> 8);
		out[3] = (char)length;
		header = 4;
	} else {
		out[1] = 127;
		for (int i = 0; i < 8; i++)
			out[2 + i] = (char)(length >> (56 - 8 * i));
		header = 10;
	}
	memcpy(out + header, body, length);
	return header + length;
}

/* publish writes to all subscribers; who cannot take it is cut off. */
static void publish(int fd, struct channel *c, const char *body, size_t length)
{
	static const char answer[] = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
	static char encoded[MAX_REQUEST + 10];
	size_t size = frame(encoded, body, length);
	for (int i = 0; i < c->count; i++)
		if (write(c->sockets[i], encoded, size) != (ssize_t)size)
			shutdown(c->sockets[i], SHUT_RDWR); /* epoll tells, and then it is closed */
	if (write(fd, answer, sizeof answer - 1) != (ssize_t)(sizeof answer - 1))
		drop(fd);
}

/* channel_of is the channel that the path in the first line names by the number at its end, or NULL. */
static struct channel *channel_of(const char *head)
{
	const char *path = strchr(head, ' ');
	const char *end = path ? strchr(path + 1, ' ') : NULL;
	if (!end)
		return NULL;
	const char *digit = end;
	while (digit > path && digit[-1] >= '0' && digit[-1] <= '9')
		digit--;
	long number = strtol(digit, NULL, 10);
	return digit < end && number >= 0 && number < MAX_CHANNELS ? &channels[number] : NULL;
}

/* serve does what a request asks once it is whole, and returns its length, 0 before that. A request that makes no sense returns -1. */
static ssize_t serve(int fd, struct connection *r)
{
	char *end = memmem(r->bytes, r->length, "\r\n\r\n", 4);
	if (!end)
		return 0;
	*end = '\0'; /* the head is a string now */
	size_t head = (size_t)(end - r->bytes) + 4;
	struct channel *c = channel_of(r->bytes);
	if (!c)
		return -1;
	if (strncmp(r->bytes, "GET ", 4) == 0) {
		subscribe(fd, c);
		return (ssize_t)head;
	}
	const char *field = strcasestr(r->bytes, "\r\nContent-Length:");
	size_t body = field ? strtoul(field + 17, NULL, 10) : 0;
	*end = '\r';
	if (body > MAX_REQUEST)
		return -1;
	if (r->length < head + body)
		return 0;
	publish(fd, c, r->bytes + head, body);
	return (ssize_t)(head + body);
}

/* take_in reads from a connection. What a subscriber says is of no interest. */
static void take_in(int fd)
{
	static char chunk[64 << 10];
	ssize_t n = read(fd, chunk, sizeof chunk);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	struct connection *r = &connections[fd];
	if (n <= 0) {
		drop(fd);
		return;
	}
	if (!r->bytes)
		return;
	if (r->length + (size_t)n > r->room) {
		r->room = r->length + (size_t)n;
		r->bytes = must(realloc(r->bytes, r->room + 1));
	}
	memcpy(r->bytes + r->length, chunk, (size_t)n);
	r->length += (size_t)n;
	ssize_t used = serve(fd, r);
	if (used < 0 || r->length > 2 * MAX_REQUEST)
		drop(fd);
	else if (used > 0 && r->bytes)
		memmove(r->bytes, r->bytes + used, r->length -= (size_t)used);
}

static void accept_all(int listener)
{
	int fd;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		int on = 1;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		connections[fd] = (struct connection){.bytes = must(malloc(1))};
		struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
		if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0)
			die("epoll_ctl");
	}
}

static int listen_on(int port)
{
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4096) < 0)
		die("listen");
	return fd;
}

int main(int argc, char **argv)
{
	struct rlimit files;
	if (argc != 2 || getrlimit(RLIMIT_NOFILE, &files) < 0) {
		fprintf(stderr, "usage: floor PORT\n");
		return 2;
	}
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	connections = must(calloc(files.rlim_max, sizeof *connections)); /* pages that nobody touches cost nothing */
	int listener = listen_on(atoi(argv[1]));
	poller = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN, .data.fd = LISTENER}, events[MAX_EVENTS];
	if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) < 0)
		die("epoll");
	for (;;) {
		int count = epoll_wait(poller, events, MAX_EVENTS, -1);
		if (count < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == LISTENER)
				accept_all(listener);
			else
				take_in(events[i].data.fd);
		}
	}
}
