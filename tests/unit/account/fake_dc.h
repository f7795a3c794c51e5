/*
 * A data centre by hand, in place of core/mtproto/dc.c (same symbols, so the program links this one): keeps
 * what was submitted and says what a test wants it to say. Nothing goes through bytes.
 */
#pragma once

#include "tests/unit/account/harness.h"

#include "core/mtproto/dc.h"

struct fake_req {
    uint64_t token;
    uint32_t id;
    struct tl_slice body;
    unsigned flags;
    int64_t deadline;
    bool done, cancelled;
};

/* The newest living fake of a DC; fails the test where there is none. */
struct mt_dc *fake_dc(int32_t dc_id);
bool fake_dc_exists(int32_t dc_id);
const struct mt_dc_cfg *fake_dc_cfg(int32_t dc_id);
/* Open requests by name, oldest first: "auth.sendCode users.getUsers"; without the account's own getConfig */
const char *fake_open(int32_t dc_id);
/* The oldest open request of a method; fails the test where there is none. */
struct fake_req *fake_req(int32_t dc_id, const char *method);
/* Each of these makes events; mt_account_tick() or another verb pulls them. */
void fake_result(int32_t dc_id, const char *method, const char *type, const char *json);
void fake_result_call(int32_t dc_id, const char *method, struct tl_slice result);
void fake_error(int32_t dc_id, const char *method, int32_t code, const char *text);
/* The same to a request of which an earlier copy may have been executed. */
void fake_error_again(int32_t dc_id, const char *method, int32_t code, const char *text);
void fake_failed(int32_t dc_id, const char *method, int code, enum mt_sent sent);
void fake_up(int32_t dc_id);
void fake_down(int32_t dc_id);
void fake_push(int32_t dc_id, const char *updates_json, uint64_t ack);
void fake_connect(int32_t dc_id, unsigned attempt);
void fake_trouble(int32_t dc_id, int32_t code);
/* Whether a request of that method is open; false too where there is no such DC. */
bool fake_asked(int32_t dc_id, const char *method);
void fake_event(int32_t dc_id, enum mt_dc_event_kind kind);
/* Acks and what was done: "ack 5 | done KEY 0" since the last call. */
const char *fake_said(int32_t dc_id);
