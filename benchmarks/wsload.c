/* WebSocket load: opens many sockets to one path from one thread, then counts the frames of every sequence number.
 *
 *   wsload PORT PATH CONNECTIONS AT_ONCE SECONDS STALLED [EVERY]
 *
 * Prints "ready {…}" when all handshakes are done, waits for a line on standard input, reads for SECONDS, and prints
 * "over {…}" and "done {…}"; meanwhile "at {…}" each EVERY seconds, where that is given. The first STALLED sockets
 * shrink their receive buffer and read nothing until it is over, when what they were sent is checked for torn frames,
 * which "done" tells of. Frames are text with "seq":N near their start, or else the Nth that the socket gets; everything a server must not send (masks,
 * reserved bits, frames over 1 MiB) counts as a protocol error. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTING, HANDSHAKE, OPEN, CLOSED };
enum { HEAD_BYTES = 10, KEPT_BYTES = 120, MAX_SEQUENCES = 1 << 16, EVENTS = 1024 };

struct peer {
    int descriptor, state, stalled, received, head_size, kept_size, opcode;
    unsigned char head[HEAD_BYTES];
    char kept[KEPT_BYTES + 1];
    long long left; /* payload bytes still to come; -1 while the head is read */
    char answer[1024];
    int answer_size;
};

struct tick {
    int frames;
    double first, last;
};

static struct peer *peers;
static struct tick ticks[MAX_SEQUENCES];
static int epoll, opened, closed, connecting, protocol_errors;
static long frames, control_frames, payload_bytes;
static char request[512], buffer[1 << 16];

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

static void end_peer(struct peer *peer) {
    if (peer->state == CLOSED) return;
    if (peer->state == OPEN) opened--; else connecting--;
    peer->state = CLOSED;
    closed++;
    close(peer->descriptor);
}

static void broken(struct peer *peer) {
    protocol_errors++;
    end_peer(peer);
}

static void take_frame(struct peer *peer, double at) {
    if (peer->opcode == 9) { /* a ping: an empty masked pong */
        static const unsigned char pong[6] = {0x8a, 0x80, 0, 0, 0, 0};
        if (write(peer->descriptor, pong, sizeof pong) < 0) end_peer(peer);
    }
    if (peer->opcode == 8) end_peer(peer);
    if (peer->opcode != 1) {
        control_frames++;
        return;
    }
    frames++;
    peer->kept[peer->kept_size] = 0;
    const char *found = strstr(peer->kept, "\"seq\":");
    int sequence = found ? atoi(found + 6) : peer->received++;
    if (sequence < 0 || sequence >= MAX_SEQUENCES || peer->stalled) return;
    struct tick *tick = &ticks[sequence];
    if (!tick->frames++) tick->first = at;
    tick->last = at;
}

/* The size of the frame head once it is known, else how many bytes are needed to know it. */
static int head_needs(const struct peer *peer) {
    if (peer->head_size < 2) return 2;
    int size = peer->head[1] & 127;
    return size == 127 ? 10 : size == 126 ? 4 : 2;
}

static void begin_payload(struct peer *peer) {
    const unsigned char *head = peer->head;
    int opcode = head[0] & 15, size = head[1] & 127;
    long long length = size;
    if (size == 126) length = head[2] << 8 | head[3];
    if (size == 127) for (int i = length = 0; i < 8; i++) length = length << 8 | head[2 + i];
    int known = opcode == 1 || opcode == 8 || opcode == 9 || opcode == 10;
    if (!(head[0] & 0x80) || head[0] & 0x70 || head[1] & 0x80 || !known || length < 0 || length > 1 << 20) {
        broken(peer);
        return;
    }
    peer->opcode = opcode;
    peer->left = length;
    peer->kept_size = peer->head_size = 0;
}

static void feed(struct peer *peer, const char *data, int size, double at) {
    while (peer->state == OPEN && (size > 0 || peer->left == 0)) {
        if (peer->left < 0) {
            while (size > 0 && peer->head_size < head_needs(peer)) {
                peer->head[peer->head_size++] = (unsigned char)*data++;
                size--;
            }
            if (peer->head_size < head_needs(peer)) return;
            begin_payload(peer);
            continue;
        }
        int part = peer->left < size ? (int)peer->left : size;
        int keep = KEPT_BYTES - peer->kept_size < part ? KEPT_BYTES - peer->kept_size : part;
        memcpy(peer->kept + peer->kept_size, data, keep);
        peer->kept_size += keep;
        payload_bytes += part;
        peer->left -= part;
        data += part;
        size -= part;
        if (peer->left > 0) return;
        peer->left = -1;
        take_frame(peer, at);
    }
}

static void start_peer(struct peer *peer, int port, int stalled) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    peer->left = -1;
    peer->stalled = stalled;
    connecting++;
    if (stalled) {
        int small = 4096;
        setsockopt(peer->descriptor, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
    if (connect(peer->descriptor, (void *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
        end_peer(peer);
        return;
    }
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = peer};
    epoll_ctl(epoll, EPOLL_CTL_ADD, peer->descriptor, &event);
}

static void on_connected(struct peer *peer) {
    int size = strlen(request);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    if (write(peer->descriptor, request, size) != size) {
        end_peer(peer);
        return;
    }
    peer->state = HANDSHAKE;
    epoll_ctl(epoll, EPOLL_CTL_MOD, peer->descriptor, &event);
}

static void on_handshake(struct peer *peer) {
    int room = sizeof peer->answer - 1 - peer->answer_size;
    int size = read(peer->descriptor, peer->answer + peer->answer_size, room);
    if (size <= 0) {
        if (size == 0 || errno != EAGAIN) end_peer(peer);
        return;
    }
    peer->answer_size += size;
    peer->answer[peer->answer_size] = 0;
    char *end = memmem(peer->answer, peer->answer_size, "\r\n\r\n", 4);
    if (!end) return;
    if (strncmp(peer->answer, "HTTP/1.1 101", 12)) {
        end_peer(peer);
        return;
    }
    peer->state = OPEN;
    connecting--;
    opened++;
    end += 4;
    feed(peer, end, peer->answer + peer->answer_size - end, now());
    if (peer->stalled && peer->state == OPEN) epoll_ctl(epoll, EPOLL_CTL_DEL, peer->descriptor, NULL);
}

static void on_data(struct peer *peer) {
    int size = read(peer->descriptor, buffer, sizeof buffer);
    if (size > 0) feed(peer, buffer, size, now());
    else if (size == 0 || errno != EAGAIN) end_peer(peer);
}

static void wait_for_events(int milliseconds) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(epoll, events, EVENTS, milliseconds);
    for (int i = 0; i < count; i++) {
        struct peer *peer = events[i].data.ptr;
        if (peer->state == CONNECTING) on_connected(peer);
        else if (peer->state == HANDSHAKE) on_handshake(peer);
        else if (peer->state == OPEN) on_data(peer);
    }
}

/* Read what the stalled sockets were left with: frames must be whole, however much was dropped between them. */
static int drain_stalled(int stalled) {
    int still_open = 0;
    for (int i = 0; i < stalled; i++) {
        double until = now() + 0.5;
        int large = 1 << 20;
        if (peers[i].state != OPEN) continue;
        setsockopt(peers[i].descriptor, SOL_SOCKET, SO_RCVBUF, &large, sizeof large);
        while (peers[i].state == OPEN && now() < until) on_data(&peers[i]);
        still_open += peers[i].state == OPEN;
    }
    return still_open;
}

/* Read for so many seconds, and tell how it goes in between. */
static void read_for(double seconds, double every) {
    double until = now() + seconds, next = now() + every;
    while (now() < until) {
        wait_for_events(20);
        if (!every || now() < next) continue;
        printf("at {\"open\":%d,\"frames\":%ld,\"errors\":%d}\n", opened, frames, protocol_errors);
        next += every;
    }
}

/* Read until nothing has come for a while, so that counting begins between two broadcasts. */
static void settle(void) {
    double until = now() + 2, quiet = now() + 0.3;
    while (now() < until && now() < quiet) {
        long before = frames;
        wait_for_events(20);
        if (frames != before) quiet = now() + 0.3;
    }
}

int main(int count, char **arguments) {
    if (count != 7 && count != 8)
        return fprintf(stderr, "wsload PORT PATH CONNECTIONS AT_ONCE SECONDS STALLED [EVERY]\n"), 2;
    int port = atoi(arguments[1]), wanted = atoi(arguments[3]), at_once = atoi(arguments[4]);
    int stalled = atoi(arguments[6]), started = 0;
    double seconds = atof(arguments[5]), begun = now();
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Version: 13\r\n\r\n", arguments[2], port);
    peers = calloc(wanted, sizeof *peers);
    epoll = epoll_create1(0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    while ((started < wanted || connecting) && now() - begun < 120) {
        while (started < wanted && connecting < at_once) start_peer(&peers[started], port, started < stalled), started++;
        wait_for_events(20);
    }
    double joined = now();
    settle();
    printf("ready {\"open\":%d,\"failed\":%d,\"seconds\":%.4f}\n", opened, wanted - opened, joined - begun);
    char line[16];
    if (!fgets(line, sizeof line, stdin)) return 1;
    frames = control_frames = payload_bytes = 0;
    memset(ticks, 0, sizeof ticks);
    for (int i = 0; i < wanted; i++) peers[i].received = 0;
    read_for(seconds, count == 8 ? atof(arguments[7]) : 0);
    printf("over {\"open\":%d}\n", opened);
    printf("done {\"open\":%d,\"frames\":%ld,\"bytes\":%ld,\"control\":%ld,\"ticks\":[", opened, frames, payload_bytes,
           control_frames);
    for (int i = 0, first = 1; i < MAX_SEQUENCES; i++)
        if (ticks[i].frames) {
            printf("%s[%d,%d,%.6f,%.6f]", first ? "" : ",", i, ticks[i].frames, ticks[i].first, ticks[i].last);
            first = 0;
        }
    long before = frames;
    int left = drain_stalled(stalled);
    printf("],\"stalled\":%d,\"stalled_open\":%d,\"stalled_frames\":%ld,\"errors\":%d}\n", stalled, left,
           frames - before, protocol_errors);
    return 0;
}
