"""C of the special functions libm lacks, in double; float32 ops round their result.

Each text is one or a few `static` functions, emitted once per source, after those
it calls. Scalar code with branches: 10 to 200 ns an element. Bounds stand with the
ops in `special.py` and are measured against mpmath by the op suite. Polynomials are
Chebyshev fits made with mpmath at 40 digits on the interval stated.
"""

# exp(x * x) with the rounding error of x * x put back: 2 ulp also for large x.
EXP_SQUARE = """
static inline double symnb_exp_square(double x, double sign) {
  double high = x * x;
  return exp(sign * high) * (1 + sign * fma(x, x, -high));
}
"""

# Beyond 10 the asymptotic series in 1 / (2 x x) has its 13th term below 1e-17.
ERFCX = """
static double symnb_erfcx(double x) {
  if (x < -27) return __builtin_inf();
  if (x < 0) return 2 * symnb_exp_square(x, 1) - symnb_erfcx(-x);
  if (x < 10) return symnb_exp_square(x, 1) * erfc(x);
  double ratio = -0.5 / x / x, term = 1, sum = 1;
  for (int n = 1; n < 14; n++) sum += term *= (2 * n - 1) * ratio;
  return sum * 0.56418958354775628695 / x;
}
"""

# Start: Giles 2012, Approximating the erfinv function (7 digits), in the far tail the
# fixed point of y y = -log(p y sqrt(pi)); then Halley on erf, or Newton on log(erfc).
ERFINV = """
static double symnb_erfinv_start(double x, double w) {
  double p;
  if (w < 5) {
    w -= 2.5;
    p = 2.81022636e-08;
    p = 3.43273939e-07 + p * w;
    p = -3.5233877e-06 + p * w;
    p = -4.39150654e-06 + p * w;
    p = 0.00021858087 + p * w;
    p = -0.00125372503 + p * w;
    p = -0.00417768164 + p * w;
    p = 0.246640727 + p * w;
    p = 1.50140941 + p * w;
  } else {
    w = sqrt(w) - 3;
    p = -0.000200214257;
    p = 0.000100950558 + p * w;
    p = 0.00134934322 + p * w;
    p = -0.00367342844 + p * w;
    p = 0.00573950773 + p * w;
    p = -0.0076224613 + p * w;
    p = 0.00943887047 + p * w;
    p = 1.00167406 + p * w;
    p = 2.83297682 + p * w;
  }
  return p * x;
}
static double symnb_erfinv_middle(double x) {
  double y = symnb_erfinv_start(x, -log1p(-x * x));
  double step = (erf(y) - x) * 0.88622692545275801365 * exp(y * y);
  return y - step / (1 + y * step);
}
static double symnb_erfcinv_tail(double p) {
  double target = log(p), w = -log(p * (2 - p)), y;
  if (w < 16) y = symnb_erfinv_start(1 - p, w);
  else {
    y = sqrt(-target);
    for (int i = 0; i < 3; i++) y = sqrt(-target - log(y * 1.77245385090551602730));
  }
  for (int i = 0; i < 3; i++) {
    double scaled = symnb_erfcx(y);
    y += (log(scaled) - y * y - target) * 0.88622692545275801365 * scaled;
  }
  return y;
}
static double symnb_erfcinv(double p) {
  if (p >= 0.5 && p <= 1.5) return symnb_erfinv_middle(1 - p);
  if (p > 0 && p < 0.5) return symnb_erfcinv_tail(p);
  if (p > 1.5 && p < 2) return -symnb_erfcinv_tail(2 - p);
  return p == 0 ? __builtin_inf() : p == 2 ? -__builtin_inf() : __builtin_nan("");
}
static double symnb_erfinv(double x) {
  if (x >= -0.5 && x <= 0.5) return symnb_erfinv_middle(x);
  if (x > 0.5 && x < 1) return symnb_erfcinv_tail(1 - x);
  if (x < -0.5 && x > -1) return -symnb_erfcinv_tail(1 + x);
  return x == 1 || x == -1 ? x * __builtin_inf() : __builtin_nan("");
}
"""

NDTR = """
static double symnb_ndtr(double x) {
  if (x > 40 || x < -40) return x > 0;
  double z = x * -0.70710678118654752440;
  double lost = fma(x, -0.70710678118654752440, -z) + x * 4.8336466567264567e-17;
  return 0.5 * (erfc(z) - 1.12837916709551257390 * exp(-z * z) * lost);
}
static double symnb_log_ndtr(double x) {
  if (x > -1) return log1p(-symnb_ndtr(-x));
  return log(0.5 * symnb_erfcx(x * -0.70710678118654752440)) - 0.5 * x * x;
}
"""

GAMMALN = """
double lgamma_r(double, int *);
static inline double symnb_gammaln(double x) {
  int sign;
  return x == -__builtin_inf() ? x : lgamma_r(x, &sign);
}
"""

# [1, 2]: (x - root) times a polynomial in 2 x - 3; from 10 the asymptotic series;
# between by the recurrence; below 0 by reflection. Abramowitz & Stegun 6.3.
DIGAMMA = """
static double symnb_digamma(double x) {
  static const double fit[] = {
    -8.25512972008104e-11, 2.4765474440031764e-10, -2.889363639216111e-10,
    8.668257373761658e-10, -3.6788868183645545e-09, 1.10370884388543e-08,
    -3.166618072027162e-08, 9.500926192924096e-08, -2.8628755280038686e-07,
    8.591324222417666e-07, -2.578107848270217e-06, 7.741156881253708e-06,
    -2.325823828431376e-05, 6.995020484160625e-05, -0.00021074841215733007,
    0.000636888028319074, -0.0019350666647832667, 0.005936795278433826,
    -0.018550615381738605, 0.06013562106019355, -0.21181371064073026,
    0.951055876031833};
  double shift = 0, sum = 0;
  if (x <= 0) {
    if (x == floor(x)) return x == 0 ? -1 / x : __builtin_nan("");
    shift = -3.14159265358979323846 / tan(3.14159265358979323846 * (x - rint(x)));
    x = 1 - x;
  }
  if (x < 1) {
    shift -= 1 / x;
    x += 1;
  }
  if (x >= 10) {
    double r = 1 / x / x;
    sum = 3617. / 8160 * r;
    sum = r * (1. / 12 - sum);
    sum = r * (691. / 32760 - sum);
    sum = r * (1. / 132 - sum);
    sum = r * (1. / 240 - sum);
    sum = r * (1. / 252 - sum);
    sum = r * (1. / 120 - sum);
    sum = r * (1. / 12 - sum);
    return shift + (log(x) - 0.5 / x - sum);
  }
  while (x > 2) {
    x -= 1;
    shift += 1 / x;
  }
  double t = 2 * x - 3;
  for (int i = 0; i < 22; i++) sum = sum * t + fit[i];
  return shift + (x - 1.4616321449683622 - 9.549995429965698e-17) * sum;
}
"""

# Upwards by the recurrence (all terms positive) to 12, then the asymptotic series.
TRIGAMMA = """
static double symnb_trigamma(double x) {
  double sum = 0;
  if (x <= 0) {
    if (x == floor(x)) return __builtin_inf();
    double s = 3.14159265358979323846 / sin(3.14159265358979323846 * (x - rint(x)));
    return s * s - symnb_trigamma(1 - x);
  }
  for (; x < 12; x += 1) sum += 1 / x / x;
  double r = 1 / x / x, tail;
  tail = r * (3617. / 510);
  tail = r * (7. / 6 - tail);
  tail = r * (691. / 2730 - tail);
  tail = r * (5. / 66 - tail);
  tail = r * (1. / 30 - tail);
  tail = r * (1. / 42 - tail);
  tail = r * (1. / 30 - tail);
  tail = r * (1. / 6 - tail);
  return sum + (1 + 0.5 / x + tail) / x;
}
"""

# Hurwitz' zeta for integer s >= 2 by Euler-Maclaurin; poles of q < 0 taken nearest
# first: zeta(s, q) = zeta(s, r) + (-1)**s (zeta(s, 1 - r) - zeta(s, 1 - q)).
POLYGAMMA = """
static double symnb_zeta(double s, double q) {
  static const double ratio[] = {
    12, -720, 30240, -1209600, 47900160, -1307674368000. / 691, 74724249600,
    -10670622842880000. / 3617, 5109094217170944000. / 43867,
    -802857662698291200000. / 174611};
  double sum = 0, floor_s = s + 10;
  for (; q < floor_s; q += 1) sum += pow(q, -s);
  double power = pow(q, -s), factor = s / q;
  sum += power * (q / (s - 1) + 0.5);
  for (int j = 0; j < 10; j++) {
    sum += power * factor / ratio[j];
    factor *= (s + 2 * j + 1) * (s + 2 * j + 2) / q / q;
  }
  return sum;
}
static double symnb_polygamma(double n, double x) {
  if (n == 0) return symnb_digamma(x);
  if (!(n > 0) || n > 170 || n != floor(n)) return __builtin_nan("");
  double s = n + 1, odd = fmod(n, 2), sign = odd ? 1 : -1, sum;
  if (x != x) return x;
  if (x > 1e15) return sign * tgamma(n) * pow(x, -n);
  if (x > 0) sum = symnb_zeta(s, x);
  else if (x == floor(x)) return sign * __builtin_inf();
  else {
    double below = floor(x), rest = below + 1 - x;
    sum = symnb_zeta(s, rest) - symnb_zeta(s, 1 - x);
    sum = symnb_zeta(s, x - below) + (odd ? sum : -sum);
  }
  return sign * tgamma(s) * sum;
}
"""

# log(gamma) - its Stirling formula; below 10 never used.
STIRLING_REST = """
static double symnb_stirling_rest(double x) {
  double r = 1 / x / x, sum;
  sum = r * (3617. / 122400);
  sum = r * (1. / 156 - sum);
  sum = r * (691. / 360360 - sum);
  sum = r * (1. / 1188 - sum);
  sum = r * (1. / 1680 - sum);
  sum = r * (1. / 1260 - sum);
  sum = r * (1. / 360 - sum);
  return (1. / 12 - sum) / x;
}
"""

# Large arguments through Stirling's formula, whose main parts cancel on paper:
# DiDonato & Morris 1992, ACM TOMS 708 (algebra of bcorr).
BETALN = """
static double symnb_betaln_sign(double a, double b, int *sign) {
  double p = a < b ? a : b, q = a < b ? b : a, rest;
  int sp, sq, sr;
  *sign = 1;
  if (a != a || b != b) return a + b;
  if (p == 0) return __builtin_inf();
  if (p < 0 && p == floor(p)) {
    if (q != floor(q) || 1 - p - q <= 0) return __builtin_inf();
    *sign = fmod(q, 2) == 0 ? 1 : -1;
    p = 1 - p - q;
    if (p > q) { rest = p; p = q; q = rest; }
  }
  if (p > 0 && q == __builtin_inf()) return -q;
  if (p >= 10) {
    double h = p / q, c = h / (1 + h);
    rest = symnb_stirling_rest(p) + symnb_stirling_rest(q) - symnb_stirling_rest(p + q);
    return -0.5 * log(q) + 0.91893853320467274178 + rest + (p - 0.5) * log(c)
           - q * log1p(h);
  }
  if (p > 0 && q >= 10) {
    rest = symnb_stirling_rest(q) - symnb_stirling_rest(p + q);
    return lgamma_r(p, &sp) + rest + p - p * log(p + q) - (q - 0.5) * log1p(p / q);
  }
  if (p > 1e-300) return log(tgamma(p) * tgamma(q) / tgamma(p + q));
  rest = lgamma_r(p, &sp) + lgamma_r(q, &sq) - lgamma_r(p + q, &sr);
  *sign = *sign * sp * sq * sr;
  return rest;
}
static inline double symnb_betaln(double a, double b) {
  int sign;
  return symnb_betaln_sign(a, b, &sign);
}
static double symnb_beta(double a, double b) {
  int sign, regular = (a > 0 || a != floor(a)) && (b > 0 || b != floor(b));
  if (regular && fabs(a) < 85 && fabs(b) < 85)
    return tgamma(a) * (tgamma(b) / tgamma(a + b));
  double value = exp(symnb_betaln_sign(a, b, &sign));
  return sign * value;
}
"""

# I0 and I1 scaled by exp(-|x|): Chebyshev series in x / 4 - 1 up to 8, in 16 / x - 1
# above (there times sqrt(x)), summed by Clenshaw's recurrence.
BESSEL_I = """
static double symnb_chebyshev(const double *c, int n, double t) {
  double next = 0, after = 0;
  for (int i = n - 1; i > 0; i--) {
    double here = 2 * t * next - after + c[i];
    after = next;
    next = here;
  }
  return t * next - after + c[0];
}
static double symnb_i0e(double x) {
  static const double low[] = {
    0.33839763720473803, -0.3046826723431984, 0.17162090152220877,
    -0.09490109704804764, 0.04930528423967071, -0.02373741480589947,
    0.010546460394594998, -0.004324309995050576, 0.0016394756169413357,
    -0.0005763755745385824, 0.00018850288509584165, -5.754195010082104e-05,
    1.6448448070728896e-05, -4.4167383584587505e-06, 1.1173875391201037e-06,
    -2.670793853940612e-07, 6.046995022541919e-08, -1.300025009986248e-08,
    2.6598237246823866e-09, -5.189795601635263e-10, 9.675809035373237e-11,
    -1.726826291441556e-11, 2.95505266312964e-12, -4.856446783111929e-13,
    7.676185498604936e-14, -1.1685332877993451e-14, 1.715391285555133e-15,
    -2.431279846547955e-16, 3.3307945188222384e-17, -4.4153416464793395e-18};
  static const double high[] = {
    0.4022452055070544, 0.0033691164782556943, 6.889758346916825e-05,
    2.8913705208347567e-06, 2.0489185894690638e-07, 2.266668990498178e-08,
    3.3962320257083865e-09, 4.94060238822497e-10, 1.1889147107846439e-11,
    -3.1499165279632416e-11, -1.3215811840447713e-11, -1.7941785315068062e-12,
    7.180124451383666e-13, 3.8527783827421426e-13, 1.54008621752141e-14,
    -4.150569347287222e-14, -9.554846698828307e-15, 3.8116806693526224e-15,
    1.7725601330565263e-15, -3.425485619677219e-16, -2.8276239805165836e-16,
    3.461222867697461e-17, 4.46562142029676e-17, -4.830504485944182e-18,
    -7.233180487874754e-18};
  x = fabs(x);
  if (x <= 8) return symnb_chebyshev(low, 30, x / 4 - 1);
  return symnb_chebyshev(high, 25, 16 / x - 1) / sqrt(x);
}
static double symnb_i1e(double x) {
  static const double low[] = {
    0.12629359322181682, -0.17641651835783406, 0.1026436586898471,
    -0.05294598120809499, 0.024726449030626516, -0.010564084894626197,
    0.004156422944312888, -0.0015135724506312532, 0.0005122859561685758,
    -0.00016176081582589674, 4.781565107550054e-05, -1.3273163656039436e-05,
    3.4702513081376785e-06, -8.568720264695455e-07, 2.0032947535521353e-07,
    -4.445059128796328e-08, 9.381537386495773e-09, -1.8872497517228294e-09,
    3.625590281552117e-10, -6.663489723502027e-11, 1.1736186298890901e-11,
    -1.9839743977649436e-12, 3.223793365945575e-13, -5.042185504727912e-14,
    7.600684294735408e-15, -1.1055969477353862e-15, 1.5536319577362005e-16,
    -2.111421214358166e-17, 2.7779141127610464e-18};
  static const double high[] = {
    0.38928811750914005, -0.009761097491361469, -0.00011058893876262371,
    -3.882564808877691e-06, -2.512236237870209e-07, -2.6314688468895196e-08,
    -3.835380385964237e-09, -5.589743462196584e-10, -1.8974958123505413e-11,
    3.2526035830154884e-11, 1.4125807436613782e-11, 2.0356285441470896e-12,
    -7.198551776245908e-13, -4.0835511110921974e-13, -2.1015418427726643e-14,
    4.272440016711951e-14, 1.0420276984128802e-14, -3.8144030724370075e-15,
    -1.8803547755107825e-15, 3.3082023109209285e-16, 2.96262899764595e-16,
    -3.209525921993424e-17, -4.6503053684893586e-17, 4.414348323071708e-18,
    7.517296310842105e-18};
  double z = fabs(x);
  if (z <= 8) return x * symnb_chebyshev(low, 29, z / 4 - 1);
  return copysign(symnb_chebyshev(high, 25, 16 / z - 1) / sqrt(z), x);
}
static inline double symnb_i0(double x) {
  double root = exp(0.5 * fabs(x));
  return root * symnb_i0e(x) * root;
}
static inline double symnb_i1(double x) {
  double root = exp(0.5 * fabs(x));
  return root * symnb_i1e(x) * root;
}
"""

# x**a exp(-x) / gamma(a + 1) by its saddle point: Loader 2000, Fast and accurate
# computation of binomial probabilities. Then the series (x < a + 1), the continued
# fraction, for small x a series for the upper part, for a > 1e7 the first term of
# Temme's expansion (DLMF 8.12), exact to double there. About 8 sqrt(a) steps at x = a.
GAMMAINC = """
static double symnb_deviance(double a, double x) {
  double d = a - x;
  if (fabs(d) > 0.1 * (a + x)) return a * log(a / x) + x - a;
  double v = d / (a + x), sum = d * v, term = 2 * a * v;
  for (int j = 3; j < 60; j += 2) sum += (term *= v * v) / j;
  return sum;
}
static double symnb_gamma_density(double a, double x) {
  if (a < 10) return x > 2000 ? 0 : pow(x, a) * exp(-x) / tgamma(a + 1);
  double exponent = symnb_stirling_rest(a) + symnb_deviance(a, x);
  return exp(-exponent) / sqrt(6.28318530717958647693 * a);
}
static double symnb_gammaln1p(double a) {
  if (a > 0.05) return symnb_gammaln(1 + a);
  static const double zeta[] = {
    -0.5772156649015329, 0.8224670334241132, -0.40068563438653143,
    0.27058080842778454, -0.207385551028674, 0.16955717699740822,
    -0.14404989676884614, 0.12550966952474304, -0.11133426586956469,
    0.10009945751278179, -0.09095401714582904};
  double sum = 0;
  for (int i = 10; i >= 0; i--) sum = sum * a + zeta[i];
  return sum * a;
}
static double symnb_gammainc_small(double a, double x) {
  double sum = 0, factor = 1, power = a * log(x) - symnb_gammaln1p(a);
  for (int n = 1; n < 25; n++) sum += (factor *= -x / n) / (a + n);
  return -expm1(power) - a * exp(power) * sum;
}
static double symnb_gammainc_temme(double a, double x, int upper) {
  double part = symnb_deviance(a, x), s = copysign(sqrt(part), x - a);
  if (part > 800) return (x < a) == upper;
  double eta = s * sqrt(2 / a), c;
  c = -1. / 3 + eta * (1. / 12 - eta * (2. / 135 - eta * (1. / 864 + eta / 2835)));
  c = exp(-part) / sqrt(6.28318530717958647693 * a) * (c - 1 / (540 * a));
  return upper ? 0.5 * erfc(s) + c : 0.5 * erfc(-s) - c;
}
static double symnb_gammainc_fraction(double a, double x) {
  double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
  for (int i = 1; i < 100000; i++) {
    double top = i * (a - i);
    b += 2;
    d = 1 / (top * d + b);
    c = b + top / c;
    h *= c * d;
    if (fabs(c * d - 1) < 2e-16) break;
  }
  return symnb_gamma_density(a, x) * a * h;
}
static double symnb_gammainc_part(double a, double x, int upper) {
  double inf = __builtin_inf();
  if (!(a >= 0 && x >= 0) || (a == 0 && x == 0) || (a == inf && x == inf))
    return __builtin_nan("");
  if (x == 0 || a == inf) return upper;
  if (a == 0 || x == inf) return !upper;
  if (a > 1e7) return symnb_gammainc_temme(a, x, upper);
  if (upper && x < 1.1) return symnb_gammainc_small(a, x);
  if (x >= a + 1) {
    double q = symnb_gammainc_fraction(a, x);
    return upper ? q : 1 - q;
  }
  double term = 1, sum = 1;
  for (int n = 1; term > 1e-17 * sum; n++) sum += term *= x / (a + n);
  sum *= symnb_gamma_density(a, x);
  return upper ? 1 - sum : sum;
}
static double symnb_gammainc_da(double a, double x) {
  if (!(a > 0 && x >= 0) || a > 1e5) return __builtin_nan("");
  if (x == 0 || x > a + 60 * sqrt(a) + 1000) return 0;
  double slope = log(x) - symnb_digamma(a + 1), term = 1, sum = slope, size = 1;
  for (int n = 1; term > 1e-17 * size || n < x; n++) {
    term *= x / (a + n);
    slope -= 1 / (a + n);
    sum += term * slope;
    size += term;
  }
  return sum * symnb_gamma_density(a, x);
}
"""
