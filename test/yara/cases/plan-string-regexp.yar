rule regexp {
  strings:
    $literal = /https?:\/\/[a-z]{3,20}\.example\.com\/gate\.php/
    $choice = /(cmd|powershell)\.exe/i
    $repeat = /(abcd){2,}/
    $wide = /User-Agent: \w+/ wide
    $digits = /[0-9]{16}/
    $optional = /(prefix)?suffix/
  condition:
    $literal and $choice and $repeat and $wide and $digits and $optional
}
