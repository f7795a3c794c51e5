/*
 * Notices that a client which had half-closed is gone altogether. A half-closed socket stays readable for
 * ever (end of file), so it cannot be watched for reading; but the kernel tells the two apart: EPOLLRDHUP
 * alone is the half-close, EPOLLHUP with it the end. An epoll set of its own, watched by the loop as one
 * descriptor.
 */
#pragma once

struct event_base;
struct tgd_hangup;

struct tgd_hangup *tgd_hangup_new(struct event_base *base, void (*gone)(void *client)); /* NULL: no memory */
void tgd_hangup_free(struct tgd_hangup *h);
/* Watches fd until it is closed; `client` is what gone() gets, at most once. */
int tgd_hangup_watch(struct tgd_hangup *h, int fd, void *client);
