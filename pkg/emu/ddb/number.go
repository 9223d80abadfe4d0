package ddb

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
)

// The range of a number: up to 38 significant digits, and a magnitude from 1E-130 to below 1E+126 (DynamoDB developer guide, "Numbers").
const (
	maxDigits    = 38
	maxMagnitude = 125
	minMagnitude = -130
)

// number is a decimal, exact: 0.DIGITS times ten to the exp. The digits have no zeros at either end, zero has no digits
// and no exp, so two numbers are equal when their structs are.
type number struct {
	neg    bool
	digits string
	exp    int
}

func (number) kind() kind { return kindN }

// parseNumber reads the decimal notations AWS takes: sign, point and exponent are optional; blanks, NaN and Infinity are not numbers.
func parseNumber(s string) (number, error) {
	if s == "" {
		return number{}, invalid("The parameter cannot be converted to a numeric value")
	}
	neg := s[0] == '-'
	mantissa, exponent, ok := splitExponent(strings.TrimLeft(s[:1], "+-") + s[1:])
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if !ok || whole+fraction == "" || !allDigits(whole+fraction) {
		return number{}, invalid("The parameter cannot be converted to a numeric value: %s", s)
	}
	n := normal(neg, whole+fraction, len(whole)+exponent)
	return n, n.check()
}

func splitExponent(s string) (mantissa string, exponent int, ok bool) {
	i := strings.IndexAny(s, "eE")
	if i < 0 {
		return s, 0, true
	}
	exponent, err := strconv.Atoi(s[i+1:])
	if errors.Is(err, strconv.ErrRange) {
		// Beyond every limit anyway: any value that cannot overflow in the sums to come will do.
		exponent = max(min(exponent, 1<<30), -1<<30)
		err = nil
	}
	return s[:i], exponent, err == nil
}

func allDigits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// normal makes the one number that stands for 0.digits times ten to the exp.
func normal(neg bool, digits string, exp int) number {
	trimmed := strings.TrimLeft(digits, "0")
	exp -= len(digits) - len(trimmed)
	trimmed = strings.TrimRight(trimmed, "0")
	if trimmed == "" {
		return number{}
	}
	return number{neg: neg, digits: trimmed, exp: exp}
}

func (n number) check() error {
	switch {
	case n.digits == "":
		return nil
	case n.exp-1 > maxMagnitude:
		return errOverflow()
	case n.exp-1 < minMagnitude:
		return invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	case len(n.digits) > maxDigits:
		return invalid("Attempting to store more than 38 significant digits in a Number")
	}
	return nil
}

func errOverflow() error {
	return invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
}

// plus adds exactly. AWS calls a sum that needs more than 38 digits an overflow too (scylladb/alternator test_number.py, run against AWS).
func (n number) plus(m number) (number, error) {
	low := min(n.exp-len(n.digits), m.exp-len(m.digits))
	sum := new(big.Int).Add(n.scaled(low), m.scaled(low))
	negative := sum.Sign() < 0
	digits := sum.Abs(sum).String()
	r := normal(negative, digits, len(digits)+low)
	if len(r.digits) > maxDigits {
		return number{}, errOverflow()
	}
	return r, r.check()
}

func (n number) negated() number {
	if n.digits != "" {
		n.neg = !n.neg
	}
	return n
}

// scaled is n divided by ten to the low, an integer.
func (n number) scaled(low int) *big.Int {
	if n.digits == "" {
		return new(big.Int)
	}
	i, _ := new(big.Int).SetString(n.digits+strings.Repeat("0", n.exp-len(n.digits)-low), 10)
	if n.neg {
		i.Neg(i)
	}
	return i
}

// String writes n as AWS does: all its digits, no exponent.
func (n number) String() string {
	if n.digits == "" {
		return "0"
	}
	text := n.digits
	switch {
	case n.exp <= 0:
		text = "0." + strings.Repeat("0", -n.exp) + text
	case n.exp >= len(text):
		text += strings.Repeat("0", n.exp-len(text))
	default:
		text = text[:n.exp] + "." + text[n.exp:]
	}
	if n.neg {
		return "-" + text
	}
	return text
}

// size is what the number counts for in an item: about one byte for two digits, and one (dynalite measured the rest).
func (n number) size() int {
	if n.digits == "" {
		return 1
	}
	size := 1 + (len(n.digits)+1)/2
	if len(n.digits)%2 == 0 && (n.exp-1)%2 == 0 {
		size++
	}
	if n.neg {
		size++
	}
	return size
}

// appendKey appends bytes that sort as numbers do and of which none is the beginning of another:
// sign, exponent, digits, end; all but the sign mirrored for negative numbers.
func (n number) appendKey(dst []byte) []byte {
	if n.digits == "" {
		return append(dst, 2)
	}
	if !n.neg {
		exp := n.exp + 256
		dst = append(dst, 3, byte(exp>>8), byte(exp))
		return append(append(dst, n.digits...), 0)
	}
	exp := 512 - (n.exp + 256)
	dst = append(dst, 1, byte(exp>>8), byte(exp))
	for i := range len(n.digits) {
		dst = append(dst, '9'-n.digits[i]+'0')
	}
	return append(dst, 0xff)
}

func (n number) compare(m number) int {
	return strings.Compare(string(n.appendKey(nil)), string(m.appendKey(nil)))
}

// wholeNumber makes a number of an integer.
func wholeNumber(n int) number {
	digits, neg := strings.CutPrefix(strconv.Itoa(n), "-")
	return normal(neg, digits, len(digits))
}
