/*
 * Secret messages: bytes with a qts. A server forgets them as soon as a difference was asked for with their
 * qts, so one that was not on the disk by then is lost for good, whatever comes later.
 */
#include <stdio.h>

#include "tests/sandbox/world_state.h"
#include "tests/sim/account/asim.h"
#include "tl/ids.h"

int64_t secret_of(const struct tl_view *update)
{
    struct tl_view m;

    return tl_get_object(update, TLF_updateNewEncryptedMessage__message, &m) &&
                   m.def->id == TL_encryptedMessage
               ? tl_get_long(&m, TLF_encryptedMessage__random_id)
               : 0;
}

void secret_send(struct owner *o)
{
    const struct sb_user *u = sb_user_get(o->s->world, o->user_id);
    json_t *r;

    if (o->n_secrets == SECRETS)
        return;
    r = asim_control(o->s, "secretAs",
                     json_pack("{s:I, s:I}", "from", (json_int_t)o->s->carol, "to", (json_int_t)o->user_id));
    json_decref(r);
    if (r && u->qts.n)
        o->secrets[o->n_secrets++] = json_integer_value(
            json_object_get(json_object_get(u->qts.log[u->qts.n - 1].update, "message"), "random_id"));
}

/* The server is made to forget it, and then the power goes. */
void secret_race(struct owner *o)
{
    secret_send(o);
    asim_advance(o->s, o->s->t + (int64_t)asim_random(o->s, 300) * MT_US_PER_MS);
    json_decref(asim_control(o->s, "fault",
                             json_pack("{s:s, s:{s:s}}", "do", "too_long", "match", "method", "updates")));
    asim_say(o->s, o->s->carol, o->user_id);
    o->die_after = (long)asim_random(o->s, 8);
    o->dies_of_power = true;
}

bool secret_tell(struct view *v, const struct happening *h, char why[160])
{
    for (unsigned i = 0; i < v->n_secrets; i++)
        if (v->secrets[i] == h->secret) {
            snprintf(why, 160, "a secret message twice");
            return false;
        }
    if (v->n_secrets == SECRETS)
        return false;
    v->secrets[v->n_secrets++] = h->secret;
    return true;
}

void secret_check(struct owner *o)
{
    const struct view *v = &o->disk.view;
    unsigned n = 0;

    for (unsigned i = 0; i < o->n_secrets && n < v->n_secrets; i++)
        n += v->secrets[n] == o->secrets[i];
    if (n < v->n_secrets)
        asim_fail(o->s, "the secret messages of %s are in another order", o->name);
    else if (v->fewer_secrets ? !n || v->secrets[n - 1] != o->secrets[o->n_secrets - 1] : n < o->n_secrets)
        asim_fail(o->s, "%s was sent %u secret messages and has %u", o->name, o->n_secrets, n);
}
