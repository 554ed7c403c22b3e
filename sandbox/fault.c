#include "sandbox/fault.h"

#include "common/address.h"
#include "sandbox/notification.h"

#define FAULTS_MAX        10000
#define SECONDS_MAX       3600.0
#define SUBMISSION_METHOD "POST"
#define SUBMISSION_PATH   "/v1/messages"
#define API_PREFIX        "/v1"

struct DmFaults {
    GMutex lock;
    GCond wake;
    gboolean stopped;
    guint clearings;
    GPtrArray *list;
};

void dm_fault_free(DmFault *fault)
{
    if (!fault)
        return;
    g_free(fault->method);
    g_free(fault->path);
    g_free(fault->query);
    g_free(fault->address);
    g_free(fault->code);
    g_free(fault->body);
    g_clear_pointer(&fault->fields, g_ptr_array_unref);
    g_free(fault);
}

static void fault_free(gpointer fault)
{
    dm_fault_free(fault);
}

DmFaults *dm_faults_new(void)
{
    DmFaults *faults = g_new0(DmFaults, 1);
    g_mutex_init(&faults->lock);
    g_cond_init(&faults->wake);
    faults->list = g_ptr_array_new_with_free_func(fault_free);
    return faults;
}

void dm_faults_free(DmFaults *faults)
{
    if (!faults)
        return;
    g_ptr_array_unref(faults->list);
    g_cond_clear(&faults->wake);
    g_mutex_clear(&faults->lock);
    g_free(faults);
}

static gboolean read_kind(const char *word, DmFaultKind *kind)
{
    static const char *const words[] = {
        [DM_FAULT_DENY] = "deny",
        [DM_FAULT_UNDELIVERABLE] = "undeliverable",
        [DM_FAULT_MALWARE] = "malware",
        [DM_FAULT_DELAY] = "delay",
        [DM_FAULT_LATE_ANSWER] = "late-answer",
        [DM_FAULT_STATUS] = "status",
        [DM_FAULT_LOSE_ANSWER] = "lose-answer",
        [DM_FAULT_TRUNCATE_ANSWER] = "truncate-answer",
        [DM_FAULT_ENDLESS_ANSWER] = "endless-answer",
        [DM_FAULT_SLOW_ANSWER] = "slow-answer",
        [DM_FAULT_ANSWER] = "answer",
        [DM_FAULT_CHANGE_ANSWER] = "change-answer",
    };
    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        if (g_str_equal(word, words[i])) {
            *kind = (DmFaultKind)i;
            return TRUE;
        }
    }
    return FALSE;
}

/* The numbers of an order; returns what is wrong, or NULL. */
static const char *read_numbers(const json_t *order, DmFault *fault)
{
    const json_t *times = json_object_get(order, "times");
    fault->times = times ? json_integer_value(times) : 1;
    if (fault->times < 1)
        return "\"times\" must be a whole number from 1 up";
    json_int_t status = json_integer_value(json_object_get(order, "status"));
    if (fault->kind == DM_FAULT_STATUS && (status < 400 || status > 599))
        return "\"status\" must be a number from 400 to 599";
    if ((fault->kind == DM_FAULT_ANSWER || status != 0) && (status < 200 || status > 599))
        return "\"status\" must be a number from 200 to 599";
    fault->status = (guint)status;
    json_int_t retry_after = json_integer_value(json_object_get(order, "retry_after"));
    if (retry_after < 0 || retry_after > (json_int_t)SECONDS_MAX)
        return "\"retry_after\" must be seconds, at most 3600";
    fault->retry_after = (guint)retry_after;
    fault->seconds = json_number_value(json_object_get(order, "seconds"));
    gboolean timed =
        fault->kind == DM_FAULT_DELAY || fault->kind == DM_FAULT_LATE_ANSWER || fault->kind == DM_FAULT_SLOW_ANSWER;
    if (fault->seconds < 0 || fault->seconds > SECONDS_MAX || (fault->seconds <= 0 && timed))
        return "\"seconds\" must be a number above 0, at most 3600";
    return NULL;
}

/* What an order says about an answer. */
static void read_answer(const json_t *order, DmFault *fault)
{
    const char *name;
    json_t *value;
    fault->body = g_strdup(json_string_value(json_object_get(order, "body")));
    fault->fields = g_ptr_array_new_with_free_func(g_free);
    json_object_foreach(json_object_get(order, "headers"), name, value)
    {
        g_ptr_array_add(fault->fields, g_strdup(name));
        g_ptr_array_add(fault->fields, g_strdup(json_is_string(value) ? json_string_value(value) : ""));
    }
}

const char *dm_faults_add(DmFaults *faults, const json_t *order)
{
    g_autoptr(DmFault) fault = g_new0(DmFault, 1);
    if (!read_kind(dm_json_text(order, "kind", ""), &fault->kind))
        return "\"kind\" must be deny, undeliverable, malware, delay, late-answer, status, lose-answer, "
               "truncate-answer, endless-answer, slow-answer, answer, change-answer or expire-sessions";
    const char *wrong = read_numbers(order, fault);
    if (wrong)
        return wrong;
    gboolean of_all_calls = fault->kind == DM_FAULT_STATUS || fault->kind == DM_FAULT_ANSWER;
    read_answer(order, fault);
    fault->method = g_strdup(dm_json_text(order, "method", of_all_calls ? "" : SUBMISSION_METHOD));
    fault->path = g_strdup(dm_json_text(order, "path", of_all_calls ? API_PREFIX : SUBMISSION_PATH));
    fault->query = g_strdup(dm_json_text(order, "query", ""));
    fault->address = g_strdup(dm_json_text(order, "address", ""));
    fault->code = g_strdup(dm_json_text(order, "code", "unknown-recipient"));
    fault->retryable = json_is_true(json_object_get(order, "retryable"));
    if (fault->kind <= DM_FAULT_MALWARE && !*fault->address)
        return "\"address\" must name the recipient";
    if (fault->kind == DM_FAULT_UNDELIVERABLE && !dm_notification_type(fault->code))
        return "\"code\" must be unknown-recipient, closed-account, invalid-format or other";

    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&faults->lock);
    if (faults->list->len >= FAULTS_MAX)
        return "there are too many faults; clear them first";
    g_ptr_array_add(faults->list, g_steal_pointer(&fault));
    return NULL;
}

void dm_faults_clear(DmFaults *faults)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&faults->lock);
    g_ptr_array_set_size(faults->list, 0);
    faults->clearings++;
    g_cond_broadcast(&faults->wake);
}

static DmFault *copy(const DmFault *fault)
{
    DmFault *twin = g_new0(DmFault, 1);
    *twin = *fault;
    twin->method = g_strdup(fault->method);
    twin->path = g_strdup(fault->path);
    twin->query = g_strdup(fault->query);
    twin->address = g_strdup(fault->address);
    twin->code = g_strdup(fault->code);
    twin->body = g_strdup(fault->body);
    twin->fields = g_ptr_array_ref(fault->fields);
    return twin;
}

static DmFault *use_up(DmFaults *faults, guint index)
{
    DmFault *fault = g_ptr_array_index(faults->list, index);
    DmFault *used = copy(fault);
    if (--fault->times == 0)
        g_ptr_array_remove_index(faults->list, index);
    return used;
}

static gboolean concerns(const DmFault *fault, const char *method, const char *path, GHashTable *query)
{
    return (!*fault->method || g_str_equal(fault->method, method)) && g_str_has_prefix(path, fault->path) &&
           (!*fault->query || g_hash_table_contains(query, fault->query));
}

DmFault *dm_faults_take(DmFaults *faults, DmFaultKind kind, const char *method, const char *path, GHashTable *query)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&faults->lock);
    for (guint i = 0; i < faults->list->len; i++) {
        const DmFault *fault = g_ptr_array_index(faults->list, i);
        if (fault->kind == kind && concerns(fault, method, path, query))
            return use_up(faults, i);
    }
    return NULL;
}

DmFault *dm_faults_take_for(DmFaults *faults, DmFaultKind kind, const char *address)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&faults->lock);
    for (guint i = 0; i < faults->list->len; i++) {
        const DmFault *fault = g_ptr_array_index(faults->list, i);
        if (fault->kind == kind && dm_address_equal(fault->address, address))
            return use_up(faults, i);
    }
    return NULL;
}

void dm_fault_change(const DmFault *fault, DmReply *reply)
{
    if (fault->status != 0)
        reply->status = fault->status;
    if (fault->body)
        dm_reply_set_body(reply, fault->body);
    for (guint i = 0; i + 1 < fault->fields->len; i += 2)
        dm_reply_set_header(reply, g_ptr_array_index(fault->fields, i), g_ptr_array_index(fault->fields, i + 1));
}

void dm_faults_sleep(DmFaults *faults, gint64 start, double seconds)
{
    gint64 end = start + (gint64)(seconds * G_USEC_PER_SEC);
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&faults->lock);
    guint clearings = faults->clearings;
    gboolean waiting = TRUE;
    while (waiting && !faults->stopped && faults->clearings == clearings)
        waiting = g_cond_wait_until(&faults->wake, &faults->lock, end);
}

void dm_faults_stop(DmFaults *faults)
{
    g_mutex_lock(&faults->lock);
    faults->stopped = TRUE;
    g_cond_broadcast(&faults->wake);
    g_mutex_unlock(&faults->lock);
}
