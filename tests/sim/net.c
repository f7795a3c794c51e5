#include "tests/sim/net.h"

#include <stdlib.h>
#include <string.h>

void net_write(struct net_pipe *pipe, int64_t now, int64_t delay, const void *p, size_t n)
{
    struct net_piece *piece = malloc(sizeof *piece + n);

    if (!piece)
        abort();
    piece->next = NULL;
    piece->n = n;
    piece->due = now + delay;
    if (piece->due < pipe->last_due)
        piece->due = pipe->last_due;
    memcpy(piece->p, p, n);
    pipe->last_due = piece->due;
    pipe->bytes += n;
    if (pipe->head)
        pipe->tail->next = piece;
    else
        pipe->head = piece;
    pipe->tail = piece;
}

struct net_piece *net_read(struct net_pipe *pipe, int64_t now)
{
    struct net_piece *piece = pipe->head;

    if (!piece || piece->due > now)
        return NULL;
    pipe->head = piece->next;
    pipe->bytes -= piece->n;
    return piece;
}

void net_end(struct net_pipe *pipe, int64_t at)
{
    if (pipe->ending)
        return;
    pipe->ending = true;
    pipe->end_at = at;
}

bool net_ended(const struct net_pipe *pipe, int64_t now)
{
    return pipe->ending && !pipe->head && pipe->end_at <= now;
}

void net_truncate(struct net_pipe *pipe, size_t keep)
{
    struct net_piece **at = &pipe->head;

    while (*at) {
        struct net_piece *piece = *at;

        if (piece->n > keep) {
            pipe->bytes -= piece->n - keep;
            piece->n = keep;
        }
        keep -= piece->n;
        if (piece->n) {
            pipe->tail = piece;
            at = &piece->next;
        } else {
            *at = piece->next;
            free(piece);
        }
    }
}

int64_t net_deadline(const struct net_pipe *pipe)
{
    if (pipe->head)
        return pipe->head->due;
    return pipe->ending ? pipe->end_at : NET_NEVER;
}

void net_fini(struct net_pipe *pipe)
{
    net_truncate(pipe, 0);
}
