/*
 * A TCP connection under a virtual clock: bytes arrive late, in pieces, and maybe only in part; either end
 * may learn of its end late, or never.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net_piece {
    struct net_piece *next;
    int64_t due;
    size_t n;
    uint8_t p[];
};

struct net_pipe {
    struct net_piece *head, *tail;
    int64_t last_due;
    size_t bytes;
    bool ending;    /* nothing is written any more */
    int64_t end_at; /* the reader learns of it, after the last piece */
};

#define NET_NEVER INT64_MAX

/* `now` + `delay` or later, after what is under way already. */
void net_write(struct net_pipe *pipe, int64_t now, int64_t delay, const void *p, size_t n);
/* The next piece that is due, or NULL; free() it. */
struct net_piece *net_read(struct net_pipe *pipe, int64_t now);
/* The writer is gone. The reader is told at `at`, once it has read what remains. */
void net_end(struct net_pipe *pipe, int64_t at);
bool net_ended(const struct net_pipe *pipe, int64_t now);
/* Only the first `keep` bytes of what is under way arrive. */
void net_truncate(struct net_pipe *pipe, size_t keep);
int64_t net_deadline(const struct net_pipe *pipe);
void net_fini(struct net_pipe *pipe);
