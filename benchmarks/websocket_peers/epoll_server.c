/* The least that sending to a room can cost: a C loop over plain sockets, for the benchmark's own client only.
 *
 *   epoll_server PORT
 *
 * It answers every handshake with the accept value of the key that wsload sends, sends MESSAGE_BYTES of JSON to each
 * socket each second, gives no thought to a socket that does not take it whole, and reads only to see who has gone. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { MAX_SOCKETS = 1 << 16, EVENTS = 1024 };

static const char answer[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: C/0nmHhBztSRGR1CwL6Tf4ZjwpY=\r\n\r\n";
static char joined[MAX_SOCKETS], buffer[1 << 16], *frame;
static int epoll, top;

static void watch(int descriptor) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

static void accept_all(int listener) {
    for (int one; (one = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        if (one >= MAX_SOCKETS) {
            close(one);
            continue;
        }
        watch(one);
        if (one > top) top = one;
    }
}

static void hear(int one) {
    ssize_t size = read(one, buffer, sizeof buffer);
    if (size <= 0) {
        joined[one] = 0;
        close(one);
    } else if (!joined[one] && size >= 4 && !memcmp(buffer + size - 4, "\r\n\r\n", 4)) {
        joined[one] = send(one, answer, sizeof answer - 1, MSG_NOSIGNAL) > 0;
    }
}

static void send_to_all(int sequence, int payload) {
    int head = payload < 126 ? 2 : payload < 1 << 16 ? 4 : 10;
    frame[0] = (char)0x81;
    frame[1] = (char)(head == 2 ? payload : head == 4 ? 126 : 127);
    for (int i = 0; i < head - 2; i++) frame[2 + i] = (char)((uint64_t)payload >> 8 * (head - 3 - i));
    int used = sprintf(frame + head, "{\"type\":\"metrics\",\"seq\":%d,\"pad\":\"", sequence);
    memset(frame + head + used, 'x', payload - used - 2);
    memcpy(frame + head + payload - 2, "\"}", 2);
    for (int one = 0; one <= top; one++)
        if (joined[one]) send(one, frame, head + payload, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int main(int count, char **arguments) {
    if (count != 2) return fprintf(stderr, "epoll_server PORT\n"), 2;
    const char *wanted = getenv("MESSAGE_BYTES");
    int payload = wanted ? atoi(wanted) : 480, yes = 1;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    frame = malloc(payload + 10);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) return perror("listen"), 1;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct itimerspec each = {.it_interval.tv_sec = 1, .it_value.tv_sec = 1};
    timerfd_settime(timer, 0, &each, NULL);
    epoll = epoll_create1(0);
    watch(listener);
    watch(timer);
    for (int sequence = 0;;) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            int one = events[i].data.fd;
            uint64_t passed;
            if (one == listener) accept_all(listener);
            else if (one != timer) hear(one);
            else if (read(timer, &passed, sizeof passed) > 0) send_to_all(sequence++, payload);
        }
    }
}
