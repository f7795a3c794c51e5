#include "rpc/impl.h"
void rpc_subs_committed(struct rpc *r, struct mt_now now) {}
void rpc_subs_of_conn_end(struct rpc_conn *c, struct mt_now now) {}
void rpc_subs_wrote(struct rpc_conn *c, struct mt_now now) {}
void rpc_live_free(struct rpc *r) {}
