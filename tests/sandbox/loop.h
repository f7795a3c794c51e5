/*
 * The sandbox's only part with sockets: TCP listeners of the data centres (and an MTProxy) and the control
 * socket around a server (server.h), on libevent. One thread, no write blocks.
 */
#pragma once

#include "tests/sandbox/server.h"

/* Listens on 127.0.0.1, or on ::1, any free port: the descriptor, or -1. */
int sb_listen_tcp(bool ipv6, uint16_t *port);
/* The same on a Unix socket, mode 0600; what was there is replaced. */
int sb_listen_unix(const char *path);

struct mt_now sb_loop_now(void);

struct sb_loop_cfg {
    const struct mt_env *env;
    struct sb_server *server; /* borrowed, as all here */
    struct sb_world *world;   /* of that server: told where a DC that moved is */
    struct sb_dc_addr *dcs;   /* a DC that moves gets its new port here */
    const int *dc_fds;        /* listeners in the order of dcs; closed by sb_loop_free */
    size_t n_dcs;
    int control_fd;
    int mtproxy_fd; /* the MTProxy's; -1: there is none */
};

struct sb_loop;
struct sb_loop *sb_loop_new(const struct sb_loop_cfg *cfg); /* NULL: no memory */
/* Until SIGTERM or SIGINT. 0, or -1 where the loop itself fails. */
int sb_loop_run(struct sb_loop *l);
void sb_loop_free(struct sb_loop *l);

/* control_socket.c: one client of the control socket. Owns `fd`; ends by itself at its end of input. */
struct event_base;
struct sb_control_peer;
struct sb_control_list {
    struct sb_control_peer *first;
};
/* `after` is called with `arg` after each request: it may have changed what the connections have to say. */
void sb_control_accept(struct event_base *base, struct sb_control_list *list, struct sb_server *server,
                       int fd, void (*after)(void *arg), void *arg);
void sb_control_free(struct sb_control_list *list);
