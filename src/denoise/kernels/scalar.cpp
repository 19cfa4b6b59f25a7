#define HUSHCAST_TIER_NAME scalar
#define HUSHCAST_TIER_LANES 4
#include "denoise/kernels/body.inc"
