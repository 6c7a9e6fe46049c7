#include "edge/api/access.h"
