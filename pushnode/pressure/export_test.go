package pressure

// Quantile is for the tests of what the sampler makes of a histogram.
var Quantile = quantile
