import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { kept } from "../app/kept";
import { LANGUAGES, type Language, Words } from "./words";

type Choice = { words: Words; choose: (language: Language) => void };

const Context = createContext<Choice | null>(null);

function isLanguage(name: string | null): name is Language {
  return name !== null && name in LANGUAGES;
}

/** Returns the language that was chosen, else the first of the browser's that there is. */
function first(): Language {
  const chosen = kept.get("care.language");
  if (isLanguage(chosen)) return chosen;
  const known = navigator.languages.map((tag) => tag.split("-")[0] ?? "").find(isLanguage);
  return known ?? "en";
}

/** Gives everything below it its texts. */
export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState<Language>(first);
  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  }, [language]);
  const choice = useMemo<Choice>(
    () => ({
      words: new Words(language),
      choose: (next) => {
        kept.set("care.language", next);
        setLanguage(next);
      },
    }),
    [language],
  );
  return <Context value={choice}>{children}</Context>;
}

function useChoice(): Choice {
  const choice = useContext(Context);
  if (choice === null) throw new Error("there is no LanguageProvider above");
  return choice;
}

/** Returns the texts of the language in force. */
export const useWords = (): Words => useChoice().words;

/** Returns the language in force, and what changes it. */
export const useLanguage = (): [Language, (language: Language) => void] => {
  const { words, choose } = useChoice();
  return [words.language, choose];
};
