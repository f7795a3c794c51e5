/*
 * What the operating system gives: clocks, randomness, the log, and the protocol of systemd
 * (https://www.freedesktop.org/software/systemd/man/sd_notify.html, sd_listen_fds.html), spoken by ourselves:
 * libsystemd would bring five libraries for it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/env.h"
#include <stdbool.h>

/* CLOCK_BOOTTIME and CLOCK_REALTIME. */
struct mt_now tgd_now(void);
/*
 * The loop is about to wait for something to happen; the next tgd_now() begins a turn. When that was (mono);
 * 0: not yet.
 */
void tgd_turn_wait(void);
int64_t tgd_turn_began(void);
/* This boot's id, 36 characters and a NUL; "unknown" where the kernel does not say. */
void tgd_boot_id(char out[40]);
/* A digest of this machine's id that is ours alone (machine-id(5)); false: it has none. */
bool tgd_machine_id(uint8_t out[16]);

/*
 * Lines go to stderr: with systemd's <n> prefix where stderr is the journal ($JOURNAL_STREAM), else with a
 * time. BROKEN lines carry the word, so that tests find them.
 */
void tgd_log_level(enum mt_log_level least);
enum mt_log_level tgd_log_level_now(void);
/* Level by name ("debug"), or -1. */
int tgd_log_level_by_name(const char *name);
const char *tgd_log_level_name(enum mt_log_level level);
void tgd_log(enum mt_log_level level, const char *area, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Fills env: getrandom(2) and the log above. Aborts where the kernel has no randomness. */
void tgd_env_init(struct mt_env *env);

/* Numbers of users and groups, by their names or as they are. False: there is none. */
bool tgd_user_by_name(const char *name, int64_t *uid);
bool tgd_group_by_name(const char *name, int64_t *gid);

/* sd_notify: "READY=1", "STATUS=...", "STOPPING=1", "RELOADING=1\nMONOTONIC_USEC=...", "WATCHDOG=1". */
void tgd_notify(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Half of WATCHDOG_USEC where systemd wants to hear from this process, else 0. */
int64_t tgd_watchdog_interval(void);
/* How many descriptors were handed over, from 3 on; the variables are removed from the environment. */
/* Their names ("a:b", FileDescriptorName=) as far as they were given. */
int tgd_listen_fds(char *names, size_t cap);
