package console_test

import (
	"math"
	"regexp"
	"strconv"
	"testing"

	"halley/web"
)

// Text on every ground it stands on reaches WCAG AA in light and dark: 4.5 for text, 3 for the edges of controls.
func TestContrast(t *testing.T) {
	t.Parallel()
	tokens := colourTokens(t)
	grounds := []string{"ground", "rail", "raised", "sunken", "hover"}
	for _, pair := range []struct {
		text    string
		grounds []string
		least   float64
	}{
		{"text", append(grounds, "accent-wash"), 4.5},
		{"text-soft", append(grounds, "accent-wash"), 4.5},
		{"text-faint", []string{"ground", "rail", "raised", "sunken", "accent-wash"}, 4.5},
		{"accent", append(grounds, "accent-wash"), 4.5},
		{"on-accent", []string{"accent-fill", "accent-fill-hover", "bad-fill"}, 4.5},
		{"good", []string{"good-wash", "raised", "sunken"}, 4.5},
		{"warn", []string{"warn-wash", "raised"}, 4.5},
		{"bad", []string{"bad-wash", "ground", "raised", "sunken", "hover"}, 4.5},
		{"line-strong", []string{"ground", "raised"}, 3},
		{"accent", []string{"ground", "rail", "raised", "sunken"}, 3}, // the ring of focus
	} {
		for _, ground := range pair.grounds {
			for scheme, name := range []string{"light", "dark"} {
				if got := contrast(tokens[pair.text][scheme], tokens[ground][scheme]); got < pair.least {
					t.Errorf("%s: %s on %s has %.2f, want %.1f", name, pair.text, ground, got, pair.least)
				}
			}
		}
	}
}

// colourTokens are the light and the dark value of each colour of the style sheet.
func colourTokens(t *testing.T) map[string][2]uint64 {
	t.Helper()
	sheet, err := web.ConsoleStatic.ReadFile("static/console.css")
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[string][2]uint64{}
	colour := regexp.MustCompile(`--([a-z-]+): light-dark\(#([0-9a-f]{6}), #([0-9a-f]{6})\)`)
	for _, match := range colour.FindAllStringSubmatch(string(sheet), -1) {
		var pair [2]uint64
		for i := range pair {
			if pair[i], err = strconv.ParseUint(match[2+i], 16, 32); err != nil {
				t.Fatal(err)
			}
		}
		tokens[match[1]] = pair
	}
	if len(tokens) < 20 {
		t.Fatalf("only %d colours were found", len(tokens))
	}
	return tokens
}

// contrast is that of WCAG 2.2.
func contrast(a, b uint64) float64 {
	light, dark := max(luminance(a), luminance(b)), min(luminance(a), luminance(b))
	return (light + 0.05) / (dark + 0.05)
}

func luminance(colour uint64) float64 {
	sum := 0.0
	for i, weight := range []float64{0.0722, 0.7152, 0.2126} {
		part := float64(colour>>(8*i)&0xff) / 255
		if part <= 0.04045 {
			part /= 12.92
		} else {
			part = math.Pow((part+0.055)/1.055, 2.4)
		}
		sum += weight * part
	}
	return sum
}
