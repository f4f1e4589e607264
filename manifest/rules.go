package manifest

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bgtask/bgtask/task"
)

// rule checks a value. Problem returns what is wrong with it, as the continuation
// of `Identity Name="x"`, or "" if it is valid. Limits and patterns are those of
// the Windows schema unless stated otherwise.
type rule struct {
	name    Rule
	problem func(value string) string
}

var (
	nameValue        = rule{RuleName, nameRule}
	publisherValue   = rule{RulePublisher, publisherRule}
	versionValue     = rule{RuleVersion, versionRule}
	processorValue   = rule{RuleArchitecture, architectureRule}
	resourceValue    = rule{RuleResourceID, resourceRule}
	applicationValue = rule{RuleApplicationID, applicationRule}
	displayNameValue = rule{RuleDisplayName, displayNameRule}
	textValue        = rule{RuleText, textRule}
	guidValue        = rule{RuleGUID, guidRule}
	permissionValue  = rule{RulePermission, permissionRule}
	executableValue  = rule{RuleExecutable, executableRule}
	categoryValue    = rule{RuleCategory, comCategoryRule}
	descriptionValue = rule{RuleDescription, descriptionRule}
	colorValue       = rule{RuleColor, colorRule}
	logoValue        = rule{RuleLogo, logoRule}
	languageValue    = rule{RuleLanguage, languageRule}
)

var (
	namePattern        = regexp.MustCompile(`^[-.A-Za-z0-9]+$`)
	publisherPattern   = regexp.MustCompile(`^` + dnPart + `(, ` + dnPart + `)*$`)
	versionPattern     = regexp.MustCompile(`^` + versionPart + `(\.` + versionPart + `){3}$`)
	applicationPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)*$`)
	colorPattern       = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)
	logoPattern        = regexp.MustCompile(`.\.(png|jpg|jpeg)$`)
	languagePattern    = regexp.MustCompile(`^[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*$`)
	permissionPattern  = regexp.MustCompile(`^(O:[-A-Z0-9]+?)?(G:[-A-Z0-9]+?)?(D:[-A-Z0-9;()]*?)?(S:[-A-Z0-9;()]*)?$`)
)

// Problem returns what is wrong with a value according to a rule about values,
// such as RuleName or RulePublisher, as the continuation of `name = "x"`. It
// returns "" for a valid value and for rules that are not about values.
func Problem(r Rule, value string) string {
	for _, v := range []rule{
		nameValue, publisherValue, versionValue, processorValue, resourceValue, applicationValue, displayNameValue, descriptionValue,
		textValue, guidValue, permissionValue, executableValue, colorValue, logoValue, languageValue,
	} {
		if v.name == r {
			return v.problem(value)
		}
	}
	return ""
}

const (
	versionPart = `(0|[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])`
	dnPart      = `(CN|L|O|OU|E|C|S|STREET|T|G|I|SN|DC|SERIALNUMBER|Description|PostalCode|POBox|Phone|X21Address|dnQualifier|` +
		`OID\.(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+)=([^,+="<>#;]+|"[^"]*")`
)

func length(value string, least, most int) bool {
	n := utf8.RuneCountInString(value)
	return n >= least && n <= most
}

func nameRule(v string) string {
	switch {
	case !length(v, 3, 50) || !namePattern.MatchString(v):
		return "is not 3 to 50 letters, digits, dots and dashes"
	case strings.HasSuffix(v, "."):
		return "ends in a dot"
	case isDevice(v):
		return "begins with a reserved Windows device name"
	case hasPunycode(v):
		return "contains a part that begins with xn--"
	}
	return ""
}

func isDevice(v string) bool {
	first, _, _ := strings.Cut(strings.ToUpper(v), ".")
	switch first {
	case "CON", "PRN", "AUX", "NUL":
		return true
	}
	return len(first) == 4 && (strings.HasPrefix(first, "COM") || strings.HasPrefix(first, "LPT")) && first[3] >= '1' && first[3] <= '9'
}

func hasPunycode(v string) bool {
	return strings.Contains("."+strings.ToLower(v), ".xn--")
}

func publisherRule(v string) string {
	if !length(v, 1, 8192) || !publisherPattern.MatchString(v) {
		return "is not a distinguished name; one looks like CN=Contoso, C=US"
	}
	return ""
}

func versionRule(v string) string {
	if !versionPattern.MatchString(v) {
		return "is not four numbers of 0 to 65535 without leading zeros; one looks like 1.0.0.0"
	}
	return ""
}

func architectureRule(v string) string {
	switch v {
	case "x86", "x64", "arm", "arm64", "x86a64", "neutral":
		return ""
	case "amd64", "x86_64":
		return "is not the name used in manifests; write x64"
	case "aarch64":
		return "is not the name used in manifests; write arm64"
	}
	return "is not one of x86, x64, arm, arm64, x86a64, neutral"
}

func resourceRule(v string) string {
	if !length(v, 1, 30) || !namePattern.MatchString(v) {
		return "is not 1 to 30 letters, digits, dots and dashes"
	}
	return ""
}

func applicationRule(v string) string {
	if !length(v, 1, 64) || !applicationPattern.MatchString(v) {
		return "is not 1 to 64 letters and digits, in parts that begin with a letter, with dots between"
	}
	return ""
}

func displayNameRule(v string) string {
	if !length(v, 1, 256) || strings.TrimSpace(v) == "" {
		return "is not 1 to 256 characters long"
	}
	return ""
}

func descriptionRule(v string) string {
	if !length(v, 1, 2048) || strings.TrimSpace(v) != v || strings.ContainsFunc(v, unicode.IsControl) {
		return "is not a single line of 1 to 2048 characters"
	}
	return ""
}

func colorRule(v string) string {
	if !colorPattern.MatchString(v) && !slices.Contains(colorNames, v) {
		return "is not transparent, an HTML color name such as darkSlateGray, or #RRGGBB"
	}
	return ""
}

func logoRule(v string) string {
	_, problem := filePath(v)
	switch {
	case problem != "":
		return problem
	case !logoPattern.MatchString(v):
		return "does not end in .png, .jpg or .jpeg"
	}
	return ""
}

func languageRule(v string) string {
	if v != "x-generate" && !languagePattern.MatchString(v) {
		return "is not a language tag; one looks like en-us"
	}
	return ""
}

// textRule checks text that Windows passes on, such as arguments and service
// names.
func textRule(v string) string {
	switch {
	case !length(v, 1, 32767):
		return "is not 1 to 32767 characters long"
	case strings.TrimSpace(v) != v:
		return "begins or ends with white space"
	}
	return ""
}

func guidRule(v string) string {
	if strings.HasPrefix(v, "{") {
		return "is in braces; write the GUID without them"
	}
	if _, err := task.ParseGUID(v); err != nil {
		return "is not a GUID; one looks like 14C5882B-35D3-41BE-86B2-5106269B97E6"
	}
	return ""
}

func permissionRule(v string) string {
	if v == "" || !permissionPattern.MatchString(v) {
		return "is not a security descriptor (SDDL) of the parts O: G: D: S:"
	}
	return ""
}

func executableRule(v string) string {
	_, problem := packagePath(v)
	return problem
}

// colorNames are the color names in the schema, which are case-sensitive.
var colorNames = strings.Fields(`aliceBlue antiqueWhite aqua aquamarine azure beige bisque black blanchedAlmond blue blueViolet brown burlyWood cadetBlue
	chartreuse chocolate coral cornflowerBlue cornsilk crimson cyan darkBlue darkCyan darkGoldenrod darkGray darkGreen darkKhaki
	darkMagenta darkOliveGreen darkOrange darkOrchid darkRed darkSalmon darkSeaGreen darkSlateBlue darkSlateGray darkTurquoise
	darkViolet deepPink deepSkyBlue dimGray dodgerBlue firebrick floralWhite forestGreen fuchsia gainsboro ghostWhite gold goldenrod
	gray green greenYellow honeydew hotPink indianRed indigo ivory khaki lavender lavenderBlush lawnGreen lemonChiffon lightBlue
	lightCoral lightCyan lightGoldenrodYellow lightGreen lightGray lightPink lightSalmon lightSeaGreen lightSkyBlue lightSlateGray
	lightSteelBlue lightYellow lime limeGreen linen magenta maroon mediumAquamarine mediumBlue mediumOrchid mediumPurple
	mediumSeaGreen mediumSlateBlue mediumSpringGreen mediumTurquoise mediumVioletRed midnightBlue mintCream mistyRose moccasin
	navajoWhite navy oldLace olive oliveDrab orange orangeRed orchid paleGoldenrod paleGreen paleTurquoise paleVioletRed papayaWhip
	peachPuff peru pink plum powderBlue purple red rosyBrown royalBlue saddleBrown salmon sandyBrown seaGreen seaShell sienna silver
	skyBlue slateBlue slateGray snow springGreen steelBlue tan teal thistle tomato transparent turquoise violet wheat white whiteSmoke
	yellow yellowGreen`)
