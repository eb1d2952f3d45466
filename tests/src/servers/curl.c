/*
 * A libcurl that transfers nothing. `mongod` wants one for telemetry and cloud services, which no test uses; it makes
 * and configures handles when it starts, and ends if that fails. Everything else fails.
 */
#include <stddef.h>

enum { OK = 0, FAILED_INIT = 2, SHARE_BAD_OPTION = 1, VERSION_SSL = 4 };

static int handle;

int curl_global_init(long flags) { (void)flags; return OK; }
void curl_global_cleanup(void) {}

void *curl_easy_init(void) { return &handle; }
void *curl_easy_duphandle(void *from) { (void)from; return NULL; }
void curl_easy_cleanup(void *easy) { (void)easy; }
int curl_easy_setopt(void *easy, int option, ...) { (void)easy; (void)option; return OK; }
int curl_easy_perform(void *easy) { (void)easy; return FAILED_INIT; }
int curl_easy_getinfo(void *easy, int what, ...) { (void)easy; (void)what; return FAILED_INIT; }
const char *curl_easy_strerror(int code) { (void)code; return "this libcurl transfers nothing"; }

void *curl_share_init(void) { return &handle; }
int curl_share_setopt(void *share, int option, ...) { (void)share; (void)option; return OK; }
int curl_share_cleanup(void *share) { (void)share; return SHARE_BAD_OPTION; }

void *curl_slist_append(void *list, const char *text) { (void)list; (void)text; return NULL; }
void curl_slist_free_all(void *list) { (void)list; }

/* The beginning of curl_version_info_data; `mongod` looks whether there is TLS. */
static struct {
    int age;
    const char *version;
    unsigned number;
    const char *host;
    int features;
    char rest[512];
} info = {0, "0", 0, "none", VERSION_SSL, {0}};

void *curl_version_info(int age) { (void)age; return &info; }
