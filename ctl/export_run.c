#include "ctl/export_run.h"

#include "ctl/export_progress.h"
#include "ctl/output.h"

#define WINDOW_FACTOR 4U /* fetches that are begun or wait to be put in, for each connection */
#define TRIES         4U /* of one message or list, while the provider works */
#define BACK_OFF_MAX  30 /* seconds */
#define BACK_OFF_LOG2 5U
#define LOOK          (G_USEC_PER_SEC / 10)

/* A fetch that is under way, or waits for those before it. */
typedef struct {
    DmFetch *fetch;
    gboolean ready; /* under the lock */
} Job;

typedef struct {
    const DmExportPlan *plan;
    DmExportOutcome *outcome;
    GThreadPool *pool;
    GMutex lock;
    GCond finished; /* a job */
    GQueue window;  /* of Job *, as the provider lists them */
    guint slot;
    GHashTable *claimed; /* keys of what is under way, gone or given up */
    GPtrArray *gone;     /* of DmExportFailure * */
    DmProgress progress;
    gint64 succeeded; /* monotonic microseconds: the last time that the provider gave something */
    gboolean told;    /* of the trouble since then */
} Run;

/* What listing does with an entry that is not in the manifest. Takes it over. FALSE ends it. */
typedef gboolean (*EntryFunc)(Run *run, DmEntry *entry, const char *folder, GError **error);

static void failure_free(gpointer data)
{
    DmExportFailure *failure = data;

    g_free(failure->id);
    g_free(failure->folder);
    g_free(failure->reason);
    g_free(failure);
}

static DmExportFailure *failure_new(const DmFetch *fetch)
{
    DmExportFailure *failure = g_new0(DmExportFailure, 1);

    failure->id = g_strdup(fetch->entry->id);
    failure->folder = g_strdup(fetch->folder);
    failure->reason = g_strdup(fetch->error->message);
    return failure;
}

static char *key_of(const char *folder, const char *id)
{
    return g_strconcat(folder, "/", id, NULL);
}

static gboolean stopped(Run *run, gint64 microseconds)
{
    run->outcome->stopped = dm_export_stop_wanted(run->plan->stop, microseconds);
    return run->outcome->stopped;
}

static void succeed(Run *run)
{
    run->succeeded = g_get_monotonic_time();
    run->told = FALSE;
}

static gint64 back_off(guint round)
{
    return round == 0 ? 0 : MIN((gint64)1 << MIN(round - 1, BACK_OFF_LOG2), BACK_OFF_MAX) * G_USEC_PER_SEC;
}

static void tell(Run *run, const GError *problem)
{
    if (run->told)
        return;
    g_autofree char *line = g_strdup_printf("export: %s; trying again", problem->message);
    dm_progress_clear(&run->progress);
    dm_output_complain(line);
    run->told = TRUE;
}

static gboolean is_final(const Run *run, const GError *problem)
{
    return g_error_matches(problem, DM_ERROR, DM_ERROR_OS) ||
           run->plan->fetcher->driver->refused(run->plan->fetcher->provider);
}

static gboolean is_impatient(const Run *run)
{
    return g_get_monotonic_time() - run->succeeded > run->plan->patience * G_USEC_PER_SEC;
}

/* Waits until the provider answers, after something has failed for the n-th time. FALSE: no use, or stopped. */
static gboolean await_provider(Run *run, guint round, const GError *problem, GError **error)
{
    const DmFetcher *fetcher = run->plan->fetcher;
    g_autoptr(GError) last = g_error_copy(problem);

    for (;; round++) {
        DmAccount account;

        if (is_final(run, last)) {
            g_propagate_error(error, g_steal_pointer(&last));
            return FALSE;
        }
        if (round > 0)
            tell(run, last);
        if (stopped(run, back_off(round)))
            return FALSE;
        g_clear_error(&last);
        if (fetcher->driver->account(fetcher->provider, &account, &last)) {
            run->succeeded = g_get_monotonic_time();
            return TRUE;
        }
        if (is_impatient(run) || g_error_matches(last, DM_ERROR, DM_ERROR_PERMANENT)) {
            g_propagate_error(error, g_steal_pointer(&last));
            return FALSE;
        }
    }
}

static gboolean browse(Run *run, const char *folder, char **cursor, GPtrArray **entries, GError **error)
{
    const DmFetcher *fetcher = run->plan->fetcher;

    for (guint tries = 0;; tries++) {
        g_autoptr(GError) problem = NULL;

        if (stopped(run, 0))
            return FALSE;
        if (fetcher->driver->browse(fetcher->provider, folder, cursor, entries, &problem)) {
            succeed(run);
            return TRUE;
        }
        if (tries >= TRIES) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return FALSE;
        }
        if (!await_provider(run, tries, problem, error))
            return FALSE;
    }
}

static gboolean is_known(const Run *run, const char *folder, const char *id)
{
    g_autofree char *key = key_of(folder, id);

    return g_hash_table_contains(run->claimed, key) ||
           dm_manifest_has(dm_export_folder_manifest(run->plan->folder), folder, id);
}

static gboolean list_page(Run *run, const char *folder, GPtrArray *entries, EntryFunc func, GError **error)
{
    while (entries->len > 0) {
        DmEntry *entry = g_ptr_array_steal_index(entries, 0);

        run->outcome->listed++;
        if (is_known(run, folder, entry->id))
            dm_entry_free(entry);
        else if (!func(run, entry, folder, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean list_folder(Run *run, const char *folder, EntryFunc func, GError **error)
{
    g_autoptr(GHashTable) cursors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *cursor = NULL;

    do {
        g_autoptr(GPtrArray) entries = NULL;

        if (!browse(run, folder, &cursor, &entries, error) || !list_page(run, folder, entries, func, error))
            return FALSE;
        if (cursor != NULL && !g_hash_table_add(cursors, g_strdup(cursor))) {
            g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "the provider's list of folder %s never ends", folder);
            return FALSE;
        }
    } while (cursor != NULL);
    return TRUE;
}

static gboolean list_all(Run *run, EntryFunc func, GError **error)
{
    run->outcome->listed = 0;
    for (guint i = 0; run->plan->folders[i] != NULL; i++) {
        if (!list_folder(run, run->plan->folders[i], func, error))
            return FALSE;
    }
    return TRUE;
}

static void fetch_in_thread(gpointer data, gpointer user_data)
{
    Job *job = data;
    Run *run = user_data;

    dm_fetch_run(run->plan->fetcher, job->fetch);
    g_mutex_lock(&run->lock);
    job->ready = TRUE;
    g_cond_signal(&run->finished);
    g_mutex_unlock(&run->lock);
}

static gboolean start(Run *run, Job *job, GError **error)
{
    g_autoptr(GError) problem = NULL;

    job->ready = FALSE;
    g_thread_pool_push(run->pool, job, &problem);
    if (problem == NULL)
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_OS, "threads: %s", problem->message);
    return FALSE;
}

/* FALSE where it was stopped. */
static gboolean wait_for(Run *run, const Job *job)
{
    gboolean ready = FALSE;

    while (!ready && !stopped(run, 0)) {
        gint64 until = g_get_monotonic_time() + LOOK;

        g_mutex_lock(&run->lock);
        while (!job->ready && g_cond_wait_until(&run->finished, &run->lock, until))
            continue;
        ready = job->ready;
        g_mutex_unlock(&run->lock);
        dm_progress_show(&run->progress);
    }
    return ready;
}

static gboolean put(Run *run, const DmFetch *fetch, GError **error)
{
    g_autofree char *key = key_of(fetch->folder, fetch->entry->id);

    succeed(run);
    if (!dm_export_folder_put(run->plan->folder, fetch, error))
        return FALSE;
    g_hash_table_remove(run->claimed, key);
    run->outcome->taken++;
    dm_progress_add(&run->progress, fetch->size);
    return TRUE;
}

/* Puts the message in, whose fetch has ended, or gives it up. */
static gboolean settle(Run *run, Job *job, GError **error)
{
    const DmFetch *fetch = job->fetch;

    for (guint tries = 0; fetch->error != NULL; tries++) {
        if (g_error_matches(fetch->error, DM_ERROR, DM_ERROR_NOINPUT)) {
            g_ptr_array_add(run->gone, failure_new(fetch));
            return TRUE;
        }
        if (!await_provider(run, tries, fetch->error, error))
            return FALSE;
        if (tries + 1 >= TRIES || g_error_matches(fetch->error, DM_ERROR, DM_ERROR_PERMANENT)) {
            g_ptr_array_add(run->outcome->failures, failure_new(fetch));
            return TRUE;
        }
        if (!start(run, job, error) || !wait_for(run, job))
            return FALSE;
    }
    return put(run, fetch, error);
}

static void job_free(gpointer data)
{
    Job *job = data;

    dm_fetch_free(job->fetch);
    g_free(job);
}

static gboolean settle_first(Run *run, GError **error)
{
    Job *job = g_queue_peek_head(&run->window);
    gboolean done = wait_for(run, job) && settle(run, job, error);

    if (done)
        job_free(g_queue_pop_head(&run->window));
    return done;
}

static gboolean take(Run *run, DmEntry *entry, const char *folder, GError **error)
{
    guint window = MIN(WINDOW_FACTOR * run->plan->connections, DM_FETCH_SLOTS);
    Job *job = g_new0(Job, 1);

    g_hash_table_add(run->claimed, key_of(folder, entry->id));
    job->fetch = dm_fetch_new(entry, folder, run->slot++ % window);
    g_queue_push_tail(&run->window, job);
    if (!start(run, job, error))
        return FALSE;
    return g_queue_get_length(&run->window) < window || settle_first(run, error);
}

static gboolean take_all(Run *run, GError **error)
{
    if (!list_all(run, take, error))
        return FALSE;
    while (!g_queue_is_empty(&run->window)) {
        if (!settle_first(run, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean count(Run *run, DmEntry *entry, const char *folder, GError **error)
{
    (void)folder;
    (void)error;
    run->progress.total++;
    run->progress.total_bytes += entry->size;
    dm_entry_free(entry);
    return TRUE;
}

/* Until a whole list holds nothing new. */
static gboolean take_until_complete(Run *run, GError **error)
{
    for (;;) {
        dm_progress_begin(&run->progress, "export", 0, 0);
        if (!list_all(run, count, error))
            return FALSE;
        if (run->progress.total == 0)
            return TRUE;
        if (!take_all(run, error))
            return FALSE;
        dm_progress_clear(&run->progress);
    }
}

static void note_gone(Run *run)
{
    for (guint i = 0; i < run->gone->len; i++) {
        const DmExportFailure *gone = g_ptr_array_index(run->gone, i);
        const DmManifestMessage message = {.id = gone->id, .folder = gone->folder, .gone = TRUE};

        dm_manifest_add(dm_export_folder_manifest(run->plan->folder), &message);
    }
}

/* What has been put in counts, however the run ended. */
static gboolean finish(Run *run, gboolean done, GError **error)
{
    g_autoptr(GError) problem = NULL;

    dm_progress_clear(&run->progress);
    g_thread_pool_free(run->pool, TRUE, TRUE);
    g_queue_clear_full(&run->window, job_free);
    if (done)
        note_gone(run);
    if (!dm_export_folder_commit(run->plan->folder, &problem) && done) {
        g_propagate_error(error, g_steal_pointer(&problem));
        done = FALSE;
    }
    g_hash_table_unref(run->claimed);
    g_ptr_array_unref(run->gone);
    g_cond_clear(&run->finished);
    g_mutex_clear(&run->lock);
    return done;
}

gboolean dm_export_run(const DmExportPlan *plan, DmExportOutcome *outcome, GError **error)
{
    Run run = {.plan = plan, .outcome = outcome, .succeeded = g_get_monotonic_time()};
    g_autoptr(GError) problem = NULL;

    *outcome = (DmExportOutcome){.failures = g_ptr_array_new_with_free_func(failure_free)};
    run.pool = g_thread_pool_new(fetch_in_thread, &run, (gint)plan->connections, TRUE, &problem);
    if (run.pool == NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "threads: %s", problem->message);
        return FALSE;
    }
    g_mutex_init(&run.lock);
    g_cond_init(&run.finished);
    g_queue_init(&run.window);
    run.claimed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    run.gone = g_ptr_array_new_with_free_func(failure_free);
    return finish(&run, take_until_complete(&run, error), error);
}

void dm_export_outcome_clear(DmExportOutcome *outcome)
{
    g_clear_pointer(&outcome->failures, g_ptr_array_unref);
}
