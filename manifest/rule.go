package manifest

import "slices"

// Rule names the rule that a finding is about. The names are stable.
type Rule string

// The rules. RuleTable describes them.
const (
	RuleEncoding  Rule = "encoding"
	RuleXML       Rule = "xml"
	RuleDoctype   Rule = "doctype"
	RuleLimit     Rule = "limit"
	RuleRoot      Rule = "root"
	RuleNamespace Rule = "namespace"
	RuleMissing   Rule = "missing"
	RuleTwice     Rule = "twice"
	RuleUnknown   Rule = "unknown-attribute"
	RuleElement   Rule = "unknown-element"
	RuleText      Rule = "text"

	RuleName         Rule = "identity-name"
	RulePublisher    Rule = "identity-publisher"
	RuleCertificate  Rule = "identity-certificate"
	RuleVersion      Rule = "identity-version"
	RuleMajorZero    Rule = "identity-version-zero"
	RuleArchitecture Rule = "identity-architecture"
	RuleNeutral      Rule = "identity-neutral"
	RuleResourceID   Rule = "identity-resource"

	RuleDisplayName   Rule = "display-name"
	RuleDescription   Rule = "description"
	RuleColor         Rule = "background-color"
	RuleLogo          Rule = "logo"
	RuleApplicationID Rule = "application-id"
	RuleExecutable    Rule = "executable"
	RuleSlash         Rule = "slash"
	RuleFile          Rule = "file"
	RuleLanguage      Rule = "language"

	RuleFamily     Rule = "device-family"
	RuleMinVersion Rule = "min-version"
	RuleTested     Rule = "max-version-tested"
	RuleNewer      Rule = "namespace-newer"

	RuleFullTrust  Rule = "full-trust"
	RuleCapability Rule = "capability"

	RuleCategory    Rule = "com-category"
	RulePlace       Rule = "com-place"
	RuleOrder       Rule = "com-order"
	RuleNoClass     Rule = "com-no-class"
	RuleGUID        Rule = "com-guid"
	RuleClassTwice  Rule = "com-class-twice"
	RuleReference   Rule = "com-reference"
	RulePermission  Rule = "com-permission"
	RuleArguments   Rule = "com-arguments"
	RuleUnsupported Rule = "com-unsupported"
	RuleExtension   Rule = "extension"
	RuleActivatable Rule = "activatable-class"

	RuleUndeclared   Rule = "ignorable-undeclared"
	RuleIgnorableCom Rule = "ignorable-com"
	RuleIgnorable    Rule = "ignorable-missing"

	RuleToken    Rule = "token"
	RuleCodeOnly Rule = "class-undeclared"
	RuleUnserved Rule = "class-unserved"
)

// RuleInfo is a row of the RuleTable.
type RuleInfo struct {
	Rule     Rule
	Severity Severity
	Demand   string // what the rule requires
	Remedy   string // what to do about it
}

// RuleTable returns all rules, in the order of the documentation.
func RuleTable() []RuleInfo { return slices.Clone(ruleTable) }

var ruleTable = []RuleInfo{
	{RuleEncoding, Error, "the file is UTF-8 or UTF-16, as its XML declaration says", "save the file as UTF-8"},
	{RuleXML, Error, "the text is well-formed XML 1.0 with namespaces", "fix the XML at this position"},
	{RuleDoctype, Error, "there is no DOCTYPE, and no entity except the five predefined in XML", "remove the declaration and write its replacement text instead"},
	{RuleLimit, Error, "the file does not exceed the limits on size and depth", "make it smaller"},
	{RuleRoot, Error, "the root element is Package in " + foundation, "add xmlns=\"" + foundation + "\" to Package"},
	{RuleNamespace, Error, "elements of class servers are in a com namespace", "give the element the prefix of the com namespace"},
	{RuleMissing, Error, "the elements and attributes that Windows requires are present", "add it"},
	{RuleTwice, Error, "what may appear only once appears only once", "remove one of them"},
	{RuleUnknown, Error, "Identity and ExeServer have only known attributes", "correct the name, or remove it"},
	{RuleElement, Error, "the elements of the foundation namespace contain only known elements", "correct the name, or remove it"},
	{RuleText, Error, "texts that Windows passes on have 1 to 32767 characters and no surrounding white space", "remove the white space"},

	{RuleName, Error, "Identity/@Name has 3 to 50 letters, digits, dots and dashes, and is not a reserved name", "choose a name such as Contoso.Notes"},
	{RulePublisher, Error, "Identity/@Publisher is a distinguished name with attributes that Windows knows", "use the subject of the certificate, most specific part first, separated by \", \": CN=Contoso, C=US"},
	{RuleCertificate, Error, "Identity/@Publisher is the subject of the certificate that signs the package", "set Identity/@Publisher to the subject, or sign with another certificate"},
	{RuleVersion, Error, "Identity/@Version is four numbers from 0 to 65535", "use a version such as 1.0.0.0"},
	{RuleMajorZero, Warning, "the first number of Identity/@Version is not 0", "start at 1.0.0.0; the Store rejects 0"},
	{RuleArchitecture, Error, "Identity/@ProcessorArchitecture is x86, x64, arm, arm64, x86a64 or neutral", "use x64 for amd64, arm64 for aarch64"},
	{RuleNeutral, Warning, "a package with programs names its processor architecture", "add ProcessorArchitecture=\"x64\" or \"arm64\" to Identity"},
	{RuleResourceID, Error, "Identity/@ResourceId has 1 to 30 letters, digits, dots and dashes", "remove it"},

	{RuleDisplayName, Error, "display names have 1 to 256 characters", "use a name, or \"ms-resource:Name\""},
	{RuleDescription, Error, "descriptions are a single line of 1 to 2048 characters", "use a short sentence"},
	{RuleColor, Error, "BackgroundColor is transparent, an HTML color name or #RRGGBB", "use transparent, or a color such as #2d7d9a"},
	{RuleLogo, Error, "logos are .png, .jpg or .jpeg files in the package", "use a .png file, with \\ between folders"},
	{RuleApplicationID, Error, "Application/@Id has 1 to 64 letters and digits, in dot-separated parts that begin with a letter", "use an id such as App or Contoso.Notes"},
	{RuleExecutable, Error, "paths of programs are relative, stay in the package and end in .exe", "use a path such as bin\\notes.exe"},
	{RuleSlash, Warning, "paths of programs and logos use \\ as the separator", "replace / with \\"},
	{RuleFile, Error, "the programs and logos that the manifest names are in the package", "add the file, or correct the path"},
	{RuleLanguage, Error, "Resource/@Language is a language tag", "use a tag such as en-us"},

	{RuleFamily, Error, "TargetDeviceFamily/@Name is a known device family", "use Windows.Desktop"},
	{RuleMinVersion, Warning, "MinVersion is a Windows version that supports what the manifest uses", "raise MinVersion"},
	{RuleTested, Error, "MinVersion and MaxVersionTested are versions, and MinVersion is not above MaxVersionTested", "use versions such as 10.0.19041.0"},
	{RuleNewer, Warning, "MaxVersionTested is a Windows version that has the namespaces in use", "raise MaxVersionTested"},

	{RuleFullTrust, Error, "a package with a class server or a full-trust program has the capability runFullTrust", "add <rescap:Capability Name=\"runFullTrust\" /> to Capabilities"},
	{RuleCapability, Warning, "restricted capabilities are known ones", "correct the name; Windows rejects unknown capabilities"},

	{RuleCategory, Error, "the Category of a com:Extension is windows.comServer or windows.comInterface", "check upper and lower case"},
	{RulePlace, Error, "elements of class servers are where Windows looks for them", "move it"},
	{RuleOrder, Error, "the elements of a com:ComServer are in the order ExeServer, SurrogateServer, TreatAsClass, ProgId", "move it, or use the namespace com2, which does not prescribe an order"},
	{RuleNoClass, Error, "a class server serves a class", "add <com:Class Id=\"...\" />, or remove the server"},
	{RuleGUID, Error, "ids of classes are GUIDs without braces", "use the form 14C5882B-35D3-41BE-86B2-5106269B97E6"},
	{RuleClassTwice, Error, "each class is declared and served only once in the package; the case of its id does not matter", "remove one, or create a new GUID"},
	{RuleReference, Error, "references to a class or a ProgId name one in the same ComServer", "declare the class or ProgId"},
	{RulePermission, Error, "LaunchAndActivationPermission is a security descriptor (SDDL)", "remove it, or use a descriptor such as O:SYG:SYD:(A;;11;;;WD)"},
	{RuleArguments, Warning, "an ExeServer has Arguments that identify a launch to serve", "add Arguments=\"-serve\" and check for it in the program; with bgtask's SDK, call Launched instead"},
	{RuleUnsupported, Warning, "class servers are programs", "no change is needed: Linux starts only an ExeServer, and on Windows this element works"},
	{RuleExtension, Note, "extensions are class servers", "no change is needed: it has no effect on Linux, and works on Windows"},
	{RuleActivatable, Error, "the EntryPoint of a windows.backgroundTasks extension is an ActivatableClass of the package", "declare it, or use tasks with a class id, which do not need this extension"},

	{RuleUndeclared, Error, "IgnorableNamespaces lists only declared prefixes", "add the xmlns attribute, or remove the prefix"},
	{RuleIgnorableCom, Warning, "IgnorableNamespaces does not list the com namespace of a class server", "remove it, so that a Windows version without this namespace rejects the package"},
	{RuleIgnorable, Warning, "IgnorableNamespaces lists the prefixes in use that some Windows versions do not know", "add the prefix to IgnorableNamespaces"},

	{RuleToken, Error, "no build tokens are left", "let the build replace it, or write the value; --template checks the file as a template"},
	{RuleCodeOnly, Error, "each class that the program registers or serves is declared in an ExeServer", "declare it with com:Class, or correct the GUID in the program"},
	{RuleUnserved, Warning, "the program serves each class that is declared for it", "serve it, or remove the com:Class"},
}

func (r Rule) info() RuleInfo {
	for _, info := range ruleTable {
		if info.Rule == r {
			return info
		}
	}
	return RuleInfo{Rule: r, Severity: Error}
}
