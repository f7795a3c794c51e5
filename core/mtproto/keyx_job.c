#include "core/mtproto/keyx_job.h"

#include "core/crypto/crypto.h"

static int agree(struct mt_keyx_job *job)
{
    int err = mt_dh_check_group(job->prime, job->g);

    if (!err)
        err = mt_dh_public(job->prime, job->g, job->b, job->g_b);
    if (err)
        return err;
    err = mt_dh_check_public(job->prime, job->g_b, sizeof job->g_b);
    job->redraw = err;
    if (err)
        return err;
    return mt_dh_shared(job->prime, job->g_a, sizeof job->g_a, job->b, job->shared);
}

void mt_keyx_job_run(struct mt_keyx_job *job)
{
    job->redraw = false;
    switch (job->kind) {
    case MT_KEYX_FACTOR:
        job->result = mt_pq_factor(job->pq, &job->p, &job->q);
        break;
    case MT_KEYX_AGREE:
        job->result = agree(job);
        break;
    }
}
