package harness

import (
	"fmt"
	"math"
	"slices"
)

// Quartiles are the middle of a sample and how far it spreads.
type Quartiles struct{ Low, Median, High float64 }

// QuartilesOf returns the quartiles of a sample, interpolated between its
// neighbouring values; those of an empty sample are NaN. The sample is left as it
// was.
func QuartilesOf(sample []float64) Quartiles {
	sorted := slices.Sorted(slices.Values(sample))
	return Quartiles{Quantile(sorted, 0.25), Quantile(sorted, 0.5), Quantile(sorted, 0.75)}
}

// Quantile returns the q-quantile of a sorted sample, q from 0 to 1.
func Quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	below := int(at)
	if below == len(sorted)-1 {
		return sorted[below]
	}
	part := at - float64(below)
	return sorted[below]*(1-part) + sorted[below+1]*part
}

// Spread returns the distance of the quartiles as a fraction of the median.
func (q Quartiles) Spread() float64 { return (q.High - q.Low) / q.Median }

// String returns the median, and the quartiles in brackets.
func (q Quartiles) String() string {
	return fmt.Sprintf("%s (%s-%s)", Number(q.Median), Number(q.Low), Number(q.High))
}

// Number writes a figure with three significant digits, and no more after the
// point than matter.
func Number(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x):
		return "-"
	case a >= 100:
		return fmt.Sprintf("%.0f", x)
	case a >= 10:
		return fmt.Sprintf("%.1f", x)
	default:
		return fmt.Sprintf("%.2f", x)
	}
}
