/* What faults.c (SQLite's VFS), faults_libc.c (calls of our own) and power.c (what was synced) share. */
#pragma once

#include "tests/unit/storage/faults.h"

#include <dirent.h>

/* The fault that this effect or access meets. FAULT_KILL does not return, nor FAULT_TORN where nothing can
 * tear. */
enum fault_kind fault_meet(enum fault_class what, bool is_write);

/* The system's own, for what the machinery of the tests does. */
int __real_access(const char *path, int mode);
int __real_unlink(const char *path);
int __real_rename(const char *from, const char *to);

/* DIR/a/b as KEPT/a%b; false: nothing is kept of it. */
bool fault_kept_name(const char *name, char out[600]);
void fault_copy_file(const char *from, const char *to);
/* The folder of `name` is synced: what was deleted there stays deleted. */
void fault_forget_deleted(const char *name);
/* What was synced of the files in a folder stays so under its new name. */
void fault_kept_moves(const char *from, const char *to);
