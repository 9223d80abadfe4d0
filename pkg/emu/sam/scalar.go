package sam

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// The implicit types of YAML 1.1, as PyYAML reads them (its resolver.py), which
// the SAM and AWS command lines use. Timestamps stay text there.
var (
	yamlInt = regexp.MustCompile(`^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	// No match for 1e3: YAML 1.1 wants a dot.
	yamlFloat = regexp.MustCompile(`^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
)

var yamlWords = map[string]kind{
	"": null, "~": null, "null": null, "Null": null, "NULL": null,
	"yes": boolean, "Yes": boolean, "YES": boolean, "true": boolean, "True": boolean, "TRUE": boolean, "on": boolean, "On": boolean, "ON": boolean,
	"no": boolean, "No": boolean, "NO": boolean, "false": boolean, "False": boolean, "FALSE": boolean, "off": boolean, "Off": boolean, "OFF": boolean,
}

// plainScalar returns the type of a plain scalar and the string that
// CloudFormation would make of it.
func plainScalar(s string) (kind, string) {
	switch k, word := yamlWords[s]; {
	case word && k == null:
		return null, ""
	case word:
		switch strings.ToLower(s) {
		case "yes", "true", "on":
			return boolean, "true"
		}
		return boolean, "false"
	case yamlInt.MatchString(s):
		if n, ok := parseInt(s); ok {
			return number, n
		}
	case yamlFloat.MatchString(s):
		if f, ok := parseFloat(s); ok {
			return number, f
		}
	}
	return text, s
}

func parseInt(s string) (string, bool) {
	sign, digits := splitSign(strings.ReplaceAll(s, "_", ""))
	base := 10
	switch {
	case strings.Contains(digits, ":"):
		n, ok := sexagesimal(digits)
		return sign + n, ok
	case strings.HasPrefix(digits, "0b"):
		base, digits = 2, digits[2:]
	case strings.HasPrefix(digits, "0x"):
		base, digits = 16, digits[2:]
	case len(digits) > 1 && digits[0] == '0':
		base, digits = 8, digits[1:]
	}
	n, ok := new(big.Int).SetString(digits, base)
	if !ok {
		return "", false
	}
	if n.Sign() == 0 {
		sign = ""
	}
	return sign + n.String(), true
}

func splitSign(s string) (sign, rest string) {
	switch {
	case strings.HasPrefix(s, "-"):
		return "-", s[1:]
	case strings.HasPrefix(s, "+"):
		return "", s[1:]
	}
	return "", s
}

// sexagesimal reads 1:30:45.
func sexagesimal(s string) (string, bool) {
	sum := new(big.Int)
	for part := range strings.SplitSeq(s, ":") {
		n, ok := new(big.Int).SetString(part, 10)
		if !ok {
			return "", false
		}
		sum.Add(sum.Mul(sum, big.NewInt(60)), n)
	}
	return sum.String(), true
}

func parseFloat(s string) (string, bool) {
	sign, digits := splitSign(strings.ToLower(strings.ReplaceAll(s, "_", "")))
	switch digits {
	case ".inf", ".nan":
		return "", false // no number that JSON, and so CloudFormation, knows
	}
	whole, last := "0", digits
	if i := strings.LastIndex(digits, ":"); i >= 0 {
		var ok bool
		if whole, ok = sexagesimal(digits[:i]); !ok {
			return "", false
		}
		last = digits[i+1:]
	}
	f, err := strconv.ParseFloat(last, 64)
	minutes, err2 := strconv.ParseFloat(whole, 64)
	f += 60 * minutes
	if err != nil || err2 != nil || math.IsInf(f, 0) {
		return "", false
	}
	return sign + pythonFloat(f), true
}

// pythonFloat writes a float the way Python, and so the AWS tools, do.
func pythonFloat(f float64) string {
	if f != 0 && (f < 1e-4 || f >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
