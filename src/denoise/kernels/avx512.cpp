#define HUSHCAST_TIER_NAME avx512
#define HUSHCAST_TIER_LANES 16
#include "denoise/kernels/body.inc"
