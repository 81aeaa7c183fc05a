rule a { strings: $a = /naïve é+ \u00e9 \xe9/ condition: $a }
