/* Preloaded into a worker: asking for its parent forks it, and tells it the child, or 0 in the child. */
#include <unistd.h>

pid_t getppid(void) { return fork(); }
