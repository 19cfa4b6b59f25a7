#define HUSHCAST_TIER_NAME avx2
#define HUSHCAST_TIER_LANES 8
#include "denoise/kernels/body.inc"
